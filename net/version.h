/* version: what -V says, of every program of the kit. */
#ifndef NET_VERSION_H
#define NET_VERSION_H

#define KIT_VERSION "netlab 0.1.0"

#endif
