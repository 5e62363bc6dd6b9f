#include "irc/irc_options.h"

#include <stdlib.h>
#include <string.h>

#define IRC_PORT      6667
#define PASSWORD_MOST 256 /* it must fit into a message */
#define KEY_MOST      100 /* so must the key; RFC 2812 allows 23 */

/* The password in an environment variable, or NULL. */
static const char *take_password(const struct options *options, const char *variable)
{
    const char *password = getenv(variable);

    if (password == NULL || *password == '\0')
        return NULL;
    if (strlen(password) > PASSWORD_MOST || strpbrk(password, "\r\n") != NULL)
        options_wrong(options,
                      "the password in %s has more than %d bytes or a line end in it",
                      variable, PASSWORD_MOST);
    return password;
}

void irc_options_take(struct irc_settings *settings, const struct options *options,
                      int count, char *operands[])
{
    int taken;

    if (count < 1)
        options_wrong(options, "the channel is missing");
    settings->channel = operands[count - 1];
    settings->server = (struct options_peer){.host = "localhost", .port = IRC_PORT};
    taken = options_peer(options, count - 1, operands, &settings->server);
    if (taken < count - 1)
        options_wrong(options, "unexpected argument '%s'", operands[taken]);
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
    settings->password = take_password(options, "IRC_PASSWORD");
    settings->server_password = take_password(options, "IRC_SERVER_PASSWORD");
}
