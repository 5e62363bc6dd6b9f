/* version: what -V prints in every program of the kit. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define KIT_VERSION "netlab 1.0"

#endif
