#include "irc/irc_options.h"

#include <stdlib.h>
#include <string.h>

#define IRC_PORT      6667
#define PASSWORD_MOST 256 /* so that it and the words around it fit into a message */
#define KEY_MOST      100 /* as well; RFC 2812 has 23 */

void irc_options_take(struct irc_settings *settings, const struct options *options,
                      int count, char *operands[])
{
    const char *password = getenv("IRC_PASSWORD");

    if (count < 1 || count > 3)
        options_wrong(options, "it wants a channel, and perhaps a host and a port");
    settings->channel = operands[count - 1];
    settings->host = count > 1 ? operands[0] : "localhost";
    settings->port = count > 2 ? options_port(options, operands[1], 1) : IRC_PORT;
    if (!irc_is_channel(settings->channel))
        options_wrong(options, "'%s' is no channel (a shell wants '#room' in quotes)",
                      settings->channel);
    if (!irc_is_nick(settings->nick))
        options_wrong(options,
                      "'%s' is no nick (letters, digits, -_[]\\`^{|}, a letter "
                      "first)",
                      settings->nick);
    if (settings->key != NULL &&
        (*settings->key == '\0' || *settings->key == ':' ||
         strpbrk(settings->key, " ,\r\n") != NULL || strlen(settings->key) > KEY_MOST))
        options_wrong(options, "'%s' is no key (it has no space, no comma, %d bytes)",
                      settings->key, KEY_MOST);
    if (password != NULL &&
        (strlen(password) > PASSWORD_MOST || strpbrk(password, "\r\n") != NULL))
        options_wrong(options, "the password in IRC_PASSWORD is too long, or two lines");
    settings->password = password != NULL && *password != '\0' ? password : NULL;
}
