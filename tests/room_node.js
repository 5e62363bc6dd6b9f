// A right chat room in another language: grade must not know C.
const net = require("net");

const sockets = new Set();
const owedMost = 4 << 20; // a client that is owed more is dropped

function say(line, omit) {
  console.log(line);
  for (const socket of sockets) {
    if (socket !== omit) socket.write(line + "\r\n");
    if (socket.writableLength > owedMost) socket.destroy();
  }
}

// Takes telnet's commands out (RFC 854), and answers DO TIMING-MARK.
function data(socket, bytes) {
  const out = [];
  for (const byte of bytes) {
    const command = socket.command;
    if (command.length === 0 && byte !== 255) out.push(byte);
    else command.push(byte);
    if (command.length === 3 && command[1] === 253 && byte === 6)
      socket.write(Buffer.from([255, 252, 6]));
    if (command.length === 3 || (command.length === 2 && (byte < 251 || byte > 254)))
      socket.command = [];
  }
  return Buffer.from(out);
}

function clean(text) {
  return text.replace(/\r+$/, "").replace(/[\x00-\x08\x0a-\x1f\x7f]/g, "?");
}

const server = net.createServer((socket) => {
  const name = `${socket.remoteAddress}:${socket.remotePort}`;
  let rest = Buffer.alloc(0);
  socket.command = [];
  socket.on("error", () => {});
  socket.on("close", () => {
    sockets.delete(socket);
    say(`Client left ${name}`);
  });
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, data(socket, bytes)]);
    for (let end; (end = rest.indexOf(10)) !== -1; rest = rest.subarray(end + 1))
      say(`[${name}] ${clean(rest.subarray(0, end).toString())}`, socket);
  });
  say(`Client joined ${name}`);
  socket.write("You're connected to the Node chatserver\r\n");
  sockets.add(socket);
});

server.on("error", (error) => {
  console.error(String(error));
  process.exit(1);
});
process.on("SIGINT", () => {
  for (const socket of sockets) socket.end("The room closes\r\n");
  setTimeout(() => process.exit(0), 100);
});
server.listen(Number(process.argv[2]), "127.0.0.1");
