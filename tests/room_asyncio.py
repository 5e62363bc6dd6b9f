# A chat room on asyncio, in twenty lines: grade must not know C, and this finds its races.
import asyncio, sys

writers = {}

def say(line, omit):
    print(line, flush=True)
    for writer in writers:
        if writer is not omit:
            writer.write(line.encode() + b"\r\n")

async def serve(reader, writer):
    name = "%s:%d" % writer.get_extra_info("peername")[:2]
    say("Client joined " + name, writer)
    writers[writer] = name
    writer.write(b"You're connected to the asyncio chatserver\r\n")
    try:
        while line := await reader.readline():
            say("[%s] %s" % (name, line.decode(errors="replace").rstrip("\r\n")), writer)
    except OSError:
        pass
    del writers[writer]
    say("Client left " + name, writer)
    writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=128)
    await server.serve_forever()

asyncio.run(main())
