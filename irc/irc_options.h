/*
 * irc_options: what the IRC programs read from the command line and the environment.
 */
#ifndef IRC_IRC_OPTIONS_H
#define IRC_IRC_OPTIONS_H

#include "base/options.h"
#include "irc/irc_session.h"

/*
 * Takes the operands [host [port]] '#channel', and the passwords from the environment
 * variables IRC_PASSWORD (for NickServ) and IRC_SERVER_PASSWORD: other users of the
 * machine could see them on the command line.
 * Wrong usage, including a wrong nick or key in *settings, ends the program (options.h).
 */
void irc_options_take(struct irc_settings *settings, const struct options *options,
                      int count, char *operands[]);

#endif
