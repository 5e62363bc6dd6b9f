#include "net/telnet.h"

#include <string.h>

enum {
    IN_DATA,
    AFTER_IAC,
    AFTER_WILL,
    AFTER_DO,
    AFTER_WONT_OR_DONT,
    IN_SUBNEGOTIATION,
    IN_SUBNEGOTIATION_AFTER_IAC
};

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
    case TELNET_IAC: return TELNET_DATA;
    case TELNET_AYT: return TELNET_ARE_YOU_THERE;
    case TELNET_WILL: telnet->state = AFTER_WILL; break;
    case TELNET_DO: telnet->state = AFTER_DO; break;
    case TELNET_WONT:
    case TELNET_DONT: telnet->state = AFTER_WONT_OR_DONT; break;
    case TELNET_SB: telnet->state = IN_SUBNEGOTIATION; break;
    default: break; /* GA, NOP, IP, DM and the like have no option byte behind them */
    }
    return TELNET_NOTHING;
}

static enum telnet_event refuse(unsigned char refusal, unsigned char option,
                                struct telnet_reply *reply)
{
    reply->bytes[0] = (char)TELNET_IAC;
    reply->bytes[1] = (char)refusal;
    reply->bytes[2] = (char)option;
    return TELNET_REFUSE;
}

enum telnet_event telnet_take(struct telnet *telnet, unsigned char byte,
                              struct telnet_reply *reply)
{
    unsigned char state = telnet->state;

    telnet->state = IN_DATA;
    switch (state) {
    case AFTER_IAC: return take_command(telnet, byte);
    case AFTER_WILL: return refuse(TELNET_DONT, byte, reply);
    case AFTER_DO: return refuse(TELNET_WONT, byte, reply);
    case AFTER_WONT_OR_DONT: return TELNET_NOTHING;
    case IN_SUBNEGOTIATION:
        telnet->state =
            byte == TELNET_IAC ? IN_SUBNEGOTIATION_AFTER_IAC : IN_SUBNEGOTIATION;
        return TELNET_NOTHING;
    case IN_SUBNEGOTIATION_AFTER_IAC:
        /* A doubled IAC is a parameter's byte; SE alone ends the subnegotiation. */
        telnet->state = byte == TELNET_SE ? IN_DATA : IN_SUBNEGOTIATION;
        return TELNET_NOTHING;
    default:
        if (byte != TELNET_IAC)
            return TELNET_DATA;
        telnet->state = AFTER_IAC;
        return TELNET_NOTHING;
    }
}
