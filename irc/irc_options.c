#include "irc/irc_options.h"

#include <stdlib.h>
#include <string.h>

#define IRC_PORT      6667
#define PASSWORD_MOST 256 /* it must fit into a message */
#define KEY_MOST      100 /* so must the key; RFC 2812 allows 23 */

void irc_options_take(struct irc_settings *settings, const struct options *options,
                      int count, char *operands[])
{
    const char *password = getenv("IRC_PASSWORD");

    if (count < 1)
        options_wrong(options, "the channel is missing");
    if (count > 3)
        options_wrong(options, "unexpected argument '%s'", operands[3]);
    settings->channel = operands[count - 1];
    settings->host = count > 1 ? operands[0] : "localhost";
    settings->port = count > 2 ? options_port(options, operands[1], 1) : IRC_PORT;
    if (!irc_is_channel(settings->channel))
        options_wrong(options, "'%s' is not a channel (in a shell, quote it: '#room')",
                      settings->channel);
    if (!irc_is_nick(settings->nick))
        options_wrong(options,
                      "'%s' is not a nick (letters, digits and -_[]\\`^{|}, but no "
                      "digit or - first)",
                      settings->nick);
    if (settings->key != NULL &&
        (*settings->key == '\0' || *settings->key == ':' ||
         strpbrk(settings->key, " ,\r\n") != NULL || strlen(settings->key) > KEY_MOST))
        options_wrong(options, "'%s' is not a key (at most %d bytes, no space or comma)",
                      settings->key, KEY_MOST);
    if (password != NULL &&
        (strlen(password) > PASSWORD_MOST || strpbrk(password, "\r\n") != NULL))
        options_wrong(
            options,
            "the password in IRC_PASSWORD has more than %d bytes or a line end in it",
            PASSWORD_MOST);
    settings->password = password != NULL && *password != '\0' ? password : NULL;
}
