/*
 * ports: a block of ports for each grader, so that several work side by side.
 *
 * The blocks are below the ports that the system gives to clients, if there is room: one of
 * those may be in TIME-WAIT just when a server under test wants it. A grader owns a block
 * while it holds the block's first port.
 */
#ifndef SCENE_PORTS_H
#define SCENE_PORTS_H

#define PORTS_BLOCK 100

struct ports {
    int lock;  /* the socket that holds the block's first port */
    int first; /* that port */
    int next;  /* how many were given out */
};

/* Takes a block that nobody has. 0, or -1 if there is none. */
int ports_open(struct ports *ports);
void ports_close(struct ports *ports);

/* The next port of the block that is free, for a server of this type; -1: none is. */
int ports_next(struct ports *ports, int type);

#endif
