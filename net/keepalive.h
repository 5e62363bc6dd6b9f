/*
 * keepalive: notices when a silent peer's machine is gone.
 */
#ifndef NET_KEEPALIVE_H
#define NET_KEEPALIVE_H

/*
 * Turns keepalive on for a TCP socket (POSIX SO_KEEPALIVE): if the peer does not answer
 * the probes, recv() fails with ETIMEDOUT. The usual two hours (RFC 1122 4.2.3.6) are longer
 * than a lesson. If the system allows it, probes begin after 60 s of silence, and the
 * connection ends after six of them, 10 s apart, have failed.
 */
void keepalive_enable(int socket);

/*
 * Keepalive sends no probes while sent data awaits its acknowledgement: the system repeats
 * that data instead, for a quarter of an hour (RFC 1122 4.2.3.5). A server that sends to
 * everyone unasked is always in that state. If the system can (Linux), this ends the
 * connection after two minutes without an acknowledgement, or with a peer that takes
 * nothing.
 */
void keepalive_limit_sending(int socket);

#endif
