/*
 * keepalive: finding out that a silent peer's machine is gone.
 */
#ifndef NET_KEEPALIVE_H
#define NET_KEEPALIVE_H

/*
 * Turns keepalive on for a TCP socket (POSIX SO_KEEPALIVE): a peer that does not answer
 * its probes makes recv() fail with ETIMEDOUT. POSIX leaves the timing to the system, and
 * the usual two hours (RFC 1122 4.2.3.6) are longer than a lesson, so where the system
 * lets it be set, a peer that was silent for 60 s is asked, and is gone after 6 probes,
 * 10 s apart, without an answer.
 */
void keepalive_enable(int socket);

/*
 * Keepalive asks nothing while something that was sent awaits its acknowledgement, and the
 * system sends that again for a quarter of an hour (RFC 1122 4.2.3.5). This ends the
 * connection after two minutes of it, where the system can (Linux): for a server that
 * sends to everyone without being asked. It ends one whose peer takes nothing, too.
 */
void keepalive_limit_sending(int socket);

#endif
