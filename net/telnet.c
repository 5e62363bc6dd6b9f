#include "net/telnet.h"

#include <string.h>

enum { IN_DATA, AFTER_IAC, AFTER_VERB, IN_SUBNEGOTIATION, IN_SUBNEGOTIATION_AFTER_IAC };

size_t telnet_plain(const struct telnet *telnet, const unsigned char *bytes,
                    size_t length)
{
    const unsigned char *iac;

    if (telnet->state != IN_DATA)
        return 0;
    iac = memchr(bytes, TELNET_IAC, length);
    return iac == NULL ? length : (size_t)(iac - bytes);
}

static enum telnet_event take_command(struct telnet *telnet, unsigned char command)
{
    telnet->state = IN_DATA;
    switch (command) {
    case TELNET_IAC:
    case '\r': /* Latin-1 text, not telnet: the line must end */
    case '\n': return TELNET_DATA;
    case TELNET_AYT: return TELNET_ARE_YOU_THERE;
    case TELNET_WILL:
    case TELNET_WONT:
    case TELNET_DO:
    case TELNET_DONT:
        telnet->verb = command;
        telnet->state = AFTER_VERB;
        break;
    case TELNET_SB:
        telnet->length = 0;
        telnet->state = IN_SUBNEGOTIATION;
        break;
    default: break; /* GA, NOP, IP, DM and the like have no option byte */
    }
    return TELNET_NOTHING;
}

static enum telnet_event take_option(struct telnet *telnet, unsigned char option,
                                     struct telnet_reply *reply)
{
    telnet->option = option;
    if (telnet->verb == TELNET_WONT || telnet->verb == TELNET_DONT)
        return TELNET_ANSWERED;
    reply->bytes[0] = (char)TELNET_IAC;
    reply->bytes[1] = (char)(telnet->verb == TELNET_DO ? TELNET_WONT : TELNET_DONT);
    reply->bytes[2] = (char)option;
    return TELNET_REFUSE;
}

static enum telnet_event take_parameter(struct telnet *telnet, unsigned char byte)
{
    telnet->length++;
    if (telnet->length > TELNET_SUBNEGOTIATION_MOST ||
        (telnet->length > TELNET_SUBNEGOTIATION_LINE && byte == '\n')) {
        telnet->state = IN_DATA;
        return TELNET_DATA;
    }
    telnet->state = byte == TELNET_IAC ? IN_SUBNEGOTIATION_AFTER_IAC : IN_SUBNEGOTIATION;
    return TELNET_NOTHING;
}

enum telnet_event telnet_take(struct telnet *telnet, unsigned char byte,
                              struct telnet_reply *reply)
{
    unsigned char state = telnet->state;

    telnet->state = IN_DATA;
    switch (state) {
    case AFTER_IAC: return take_command(telnet, byte);
    case AFTER_VERB: return take_option(telnet, byte, reply);
    case IN_SUBNEGOTIATION: return take_parameter(telnet, byte);
    case IN_SUBNEGOTIATION_AFTER_IAC:
        /* A doubled IAC is a byte of a parameter. */
        telnet->state = byte == TELNET_SE ? IN_DATA : IN_SUBNEGOTIATION;
        return TELNET_NOTHING;
    default:
        if (byte != TELNET_IAC)
            return TELNET_DATA;
        telnet->state = AFTER_IAC;
        return TELNET_NOTHING;
    }
}
