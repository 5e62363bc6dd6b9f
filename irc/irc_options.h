/*
 * irc_options: what the IRC programs take from the command line and the environment.
 */
#ifndef IRC_IRC_OPTIONS_H
#define IRC_IRC_OPTIONS_H

#include "base/options.h"
#include "irc/irc_session.h"

/*
 * Takes the operands [host [port]] '#channel' and the environment's IRC_PASSWORD, which no
 * other user of the machine can see, as they could the command line. Wrong usage, of the
 * nick and the key too, ends the program in words (options.h).
 */
void irc_options_take(struct irc_settings *settings, const struct options *options,
                      int count, char *operands[]);

#endif
