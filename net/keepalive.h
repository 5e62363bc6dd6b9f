/*
 * keepalive: notices that the machine of a silent peer is gone.
 */
#ifndef NET_KEEPALIVE_H
#define NET_KEEPALIVE_H

/*
 * Turns keepalive on for a TCP socket (POSIX SO_KEEPALIVE): if the peer does not answer
 * the probes, recv() fails with ETIMEDOUT. POSIX leaves the timing to the system, whose
 * usual two hours (RFC 1122 4.2.3.6) are longer than a lesson. Where it can be set, probes
 * begin after 60 s of silence, and six of them, 10 s apart, must fail.
 */
void keepalive_enable(int socket);

/*
 * Keepalive sends no probes while sent data awaits its acknowledgement: the system repeats
 * that data instead, for a quarter of an hour (RFC 1122 4.2.3.5). A server that sends to
 * everyone unasked is always in that state. Where the system can (Linux), this ends the
 * connection after two minutes of it, and also that of a peer which takes nothing.
 */
void keepalive_limit_sending(int socket);

#endif
