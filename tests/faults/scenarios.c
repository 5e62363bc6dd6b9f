/* The scenarios: what each program does while its calls fail. See script.h for the steps. */
#include "tests/faults/scenarios.h"

#define ECHO_STEPS                                                                       \
    "+a\na>one\na=one\n+b\nb>two\nb=two\na*9000\n+c\nc>hi\nc=hi\nc*9000\nb*9000\n"       \
    "a>three\na.\na=three\na~\nb>four\nb=four\nc>five\nc=five\n"

const struct scenario scenarios[] = {
    {"pchatsrv", "bin/pchatsrv -p 0",
     "@ChatServer started on port \n"
     "+a\na=You're connected to the C chatserver\no=Client joined $a\n"
     "+b\nb=You're connected to the C chatserver\na=Client joined $b\n"
     "+c\nc=You're connected to the C chatserver\na=Client joined $c\n"
     "b=Client joined $c\n"
     "a>Hello\nb=[$a] Hello\nc=[$a] Hello\no=[$a] Hello\n"
     "b>Hello, $a\na=[$b] Hello, $a\nc=[$b] Hello, $a\n"
     "c>/nick carla\nc=Client $c is now carla\na=Client $c is now carla\n"
     "c>/msg $b psst\nc=[you to $b] psst\nb=[carla to you] psst\n"
     "a>/who\na>one\nb=[$a] one\na>two\nb=[$a] two\nc=[$a] one\nc=[$a] two\n"
     "c>last words\na=[carla] last words\nc.\nc~\na=Client left carla\n"
     "b=Client left carla\n"
     "+d\nd=You're connected to the C chatserver\na=Client joined $d\n"
     "d>I am new\na=[$d] I am new\nb=[$d] I am new\no=[$d] I am new\n"
     "a>/quit Lunch\na~\nb=Client left $a: Lunch\n"
     "!\nb=ChatServer stopping\nd=ChatServer stopping\nb~\nd~\no=ChatServer stopping\n",
     IS_SERVER},
    {"echo_srv", "bin/echo_srv -v -p 0",
     "@EchoServer started on port \n" ECHO_STEPS "!\nb~\nc~\n", IS_SERVER},
    {"dgram_srv", "bin/dgram_srv -v -p 0",
     "@DatagramServer started on port \n"
     "+u\nu>one\nu=one\nu>two\nu=two\nu>three\nu=three\n!\n",
     IS_SERVER | IS_QUIET},
    {"chat_small", "bin/chat_small -p 0",
     "@ChatServer started on port \n"
     "+a\na=You're connected to the C chatserver\n"
     "+b\nb=You're connected to the C chatserver\na=Client joined $b\n"
     "a>Hello\nb=[$a] Hello\nb>Hello, too\na=[$b] Hello, too\n"
     "b.\nb~\na=Client left $b\n!\n",
     IS_SERVER | IS_QUIET | MAY_SPIN},
    {"echo_fork", "bin/echo_fork -p 0",
     "@EchoServer started on port \n" ECHO_STEPS "!\nb~\nc~\n", IS_SERVER | IS_QUIET},
    {"echo_thread", "bin/echo_thread -p 0",
     "@EchoServer started on port \n" ECHO_STEPS "!\nb~\nc~\n", IS_SERVER | IS_QUIET},
    {"hello_srv", "bin/hello_srv -p 0 -m Hello -l build/faults-%",
     "@hello_srv started on port \n"
     "+a\na=Hello\na~\n+b\nb=Hello\nb~\n+c\nc=Hello\nc~\n!\n",
     IS_SERVER | IS_QUIET},
    {"name_srv", "bin/name_srv -p 0 -n Ann",
     "@name_srv started on port \n"
     "+a\na>one\na=one Ann\n+b\nb>two\na>three\na=three Ann\nb=two Ann\n"
     "a.\na~\nb>four\nb=four Ann\n!\nb~\n",
     IS_SERVER | IS_QUIET},
    {"name_typed", "bin/name_srv -p 0 -n Ann",
     "@name_srv started on port \n"
     "+a\na>one\na=one Ann\ni>x\na>two\na=two Ann\ni-\033\n!\na~\n",
     IS_SERVER | IS_QUIET | AT_TERMINAL},
    {"threat_srv", "bin/threat_srv -p 0 -f tests/faults/page/level.txt",
     "@threat_srv started on port \n"
     "+a\na>getThreat\na=Severe\n+b\nb>getTime\nb>getThreat\nb=Severe\n"
     "a>disconnect\na~\nb>getThreat\nb=Severe\n!\nb~\n",
     IS_SERVER | IS_QUIET},
    {"threat_fetch", "bin/threat_srv -p 0 -c 60 -u http://127.0.0.1:%/level",
     "@threat_srv started on port \n"
     "+a\n+b\na>getTime\na>getThreat\nb>getThreat\n?w\nw=Host: 127.0.0.1:%\nw>HTTP/1.1 "
     "200 OK|Content-Length: "
     "41||<THREAT_ADVISORY CONDITION=\"ELEVATED\" />\n"
     "a=Elevated\nb=Elevated\na>getThreat\na=Elevated\n!\na~"
     "\nb~\n",
     IS_SERVER | IS_QUIET},
    {"web_srv", "bin/web_srv -p 0 -d tests/faults/page",
     "@Serving HTTP on port \n"
     "+a\na>GET / HTTP/1.1|Host: a||\na=HTTP/1.1 200 OK\na=<p>Hello\n"
     "+b\nb>GET /long.txt HTTP/1.0||\nb=HTTP/1.1 200 OK\nb=the end\nb~\n"
     "a>GET /long.txt HTTP/1.1|Host: a||\na=HTTP/1.1 200 OK\na=the end\n"
     "a>GET /nothing HTTP/1.1|Host: a||\na=HTTP/1.1 404 Not Found\n"
     "a>GET /level.txt HTTP/1.1|Host: a|Connection: close||\na=severe\na~\n!\n",
     IS_SERVER | IS_QUIET},
    {"web_chat", "bin/web_chat -p 0 -r 127.0.0.1:%",
     "@web_chat started on port \n"
     "+a\na>GET / HTTP/1.1|Host: a||\na=HTTP/1.1 200 OK\na=</html>\na~\n"
     "+b\nb>POST /join HTTP/1.1|Host: a|Content-Length: 3||ann\nb=HTTP/1.1 200 OK\nb~\n"
     "+c\nc>GET /nothing HTTP/1.1|Host: a||\nc=HTTP/1.1 404 Not Found\nc~\n!\n",
     IS_SERVER | IS_QUIET},
    {"chat_cli", "bin/chat_cli -w 1 127.0.0.1 %",
     "?a\na>Welcome\no=Welcome\ni>one\na=one\na>two\no=two\ni>three\ni.\na=three\n"
     "a>four\na.\no=four\na~\n",
     SAYS_THE_SAME},
    {"chat_typed", "bin/chat_cli 127.0.0.1 %",
     "?a\na>Welcome\no=*Welcome\ni>one\na=one\na>[ann] two\no=*two\ni>three\na=three\n"
     "!\na~\n",
     AT_TERMINAL | IS_QUIET},
    {"echo_cli", "bin/echo_cli -p % -w 1 127.0.0.1 -",
     "?a\ni>one\na=one\na>one\no=one\ni>two\ni.\na=two\na>two\na.\na~\n", SAYS_THE_SAME},
    {"dgram_cli", "bin/dgram_cli -w 0.3 127.0.0.1 % -- word", "?u\nu@1\no=word\n",
     SAYS_THE_SAME},
    {"dgram_count", "bin/dgram_cli -p % -c 3 -i 0.01 -w 0.3 127.0.0.1",
     "?u\nu@3\no=*3 sent\n", IS_QUIET},
    {"http_get", "bin/http_get -w 1 -o build/faults-% http://127.0.0.1:%/x",
     "?a\na=GET /x HTTP/1.1\n"
     "a>HTTP/1.1 302 Found|Location: http://127.0.0.1:&/y|Content-Length: 0||\na~\n"
     "&b\nb=GET /y HTTP/1.1\n"
     "b>HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello|7|, world|0||\n",
     SAYS_THE_SAME},
    {"threat_cli", "bin/threat_cli -p % -w 1 127.0.0.1",
     "?a\ni>getTime\na=getTime\na>noon\no=noon\ni>getThreat\na=getThreat\na>Severe\n"
     "o=Severe\ni.\na>Goodbye\na.\no=Goodbye\na~\n",
     SAYS_THE_SAME},
    {"watch_cli", "bin/watch_cli -t 5 127.0.0.1:% 127.0.0.1:&",
     "?a\n&b\na>one\no=127.0.0.1:%: one\nb>two\no=127.0.0.1:&: two\nb.\nb~\na>three\n"
     "o=127.0.0.1:%: three\na.\na~\n",
     0},
    {"irc_bot", "bin/irc_bot -n bot -l build/faults-% 127.0.0.1 % #c",
     "?a\na=NICK bot\na>:s 001 bot :Welcome|\na=JOIN #c\na>:bot!b@h JOIN #c|\n"
     "a>PING :x|\na=PONG :x\na>:ann!a@h PRIVMSG #c :hello|\na>PING :y|\na=PONG :y\n"
     "!\na=*QUIT\na>ERROR :Closing|\na.\na~\n",
     IS_SERVER},
    {"irc_relay", "bin/irc_relay -n relay -r 127.0.0.1:& 127.0.0.1 % #c",
     "?a\n&b\nb>You're connected to the C chatserver\nb=/nick relay\n"
     "b>Client 127.0.0.1:1 is now relay\n"
     "a=NICK relay\na>:s 001 relay :Welcome|\na=JOIN #c\na>:relay!b@h JOIN #c|\n"
     "a>:ann!a@h PRIVMSG #c :hello|\nb=<ann> hello\nb>[bob] hi\na=PRIVMSG #c :<bob> hi\n"
     "!\na=*QUIT\na>ERROR :Closing|\na.\na~\nb~\nb.\n",
     IS_SERVER},
    {"resolve", "bin/resolve localhost 127.0.0.1", "", SAYS_THE_SAME},
    {"sockopts", "bin/sockopts", "", SAYS_THE_SAME},
};

const size_t scenarios_count = sizeof scenarios / sizeof scenarios[0];
