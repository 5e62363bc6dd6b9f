// A right chat room in Java: grade must not know C.
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

class Room {
    static final int OWED_MOST = 4 << 20; // a client that is owed more is dropped

    static class Client {
        SocketChannel socket;
        SelectionKey key;
        String name;
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        byte[] command = new byte[3];
        int commandLength, owed;
        Deque<ByteBuffer> queue = new ArrayDeque<>();
    }

    static final Set<Client> clients = new LinkedHashSet<>();
    static ServerSocketChannel listener;
    static FileInputStream spare; // a descriptor for the newcomer that there is none for

    static void flush(Client client) throws IOException {
        while (!client.queue.isEmpty()) {
            client.owed -= client.socket.write(client.queue.peek());
            if (client.queue.peek().hasRemaining()) break;
            client.queue.remove();
        }
        client.key.interestOps(SelectionKey.OP_READ
                | (client.owed > 0 ? SelectionKey.OP_WRITE : 0));
    }

    static void send(Client client, byte[] bytes) {
        client.queue.add(ByteBuffer.wrap(bytes));
        client.owed += bytes.length;
        try {
            flush(client);
        } catch (IOException lost) {
            return; // the next read tells
        }
        if (client.owed > OWED_MOST) drop(client);
    }

    static void say(String line, Client omit) {
        System.out.println(line);
        for (Client client : new ArrayList<>(clients))
            if (client != omit)
                send(client, (line + "\r\n").getBytes(StandardCharsets.UTF_8));
    }

    static void drop(Client client) {
        if (!clients.remove(client)) return;
        try {
            client.socket.close();
        } catch (IOException alreadyClosed) {
        }
        say("Client left " + client.name, null);
    }

    // Threads of Java itself may take the descriptor that has become free. Then try again.
    static void turnAway() {
        try {
            spare.close();
            SocketChannel newcomer = listener.accept();
            if (newcomer != null) newcomer.close();
            spare = new FileInputStream("/dev/null");
        } catch (IOException taken) {
        }
    }

    static void accept(Selector selector) throws IOException {
        Client client = new Client();
        try {
            client.socket = listener.accept();
        } catch (IOException noDescriptorIsLeft) {
            turnAway();
            return;
        }
        if (client.socket == null) return;
        InetSocketAddress peer = (InetSocketAddress) client.socket.getRemoteAddress();
        client.name = peer.getAddress().getHostAddress() + ":" + peer.getPort();
        client.socket.configureBlocking(false);
        client.key = client.socket.register(selector, SelectionKey.OP_READ, client);
        say("Client joined " + client.name, null);
        clients.add(client);
        send(client, "You're connected to the Java chatserver\r\n".getBytes());
    }

    // Takes telnet's commands out (RFC 854), and answers DO TIMING-MARK.
    static void take(Client client, byte next) {
        int length = client.commandLength, value = next & 0xff;
        if (length == 0 && value != 255) {
            if (value == '\n') {
                String text = client.line.toString(StandardCharsets.UTF_8);
                client.line.reset();
                say("[" + client.name + "] " + text.replaceAll("\r+$", "")
                        .replaceAll("[\\x00-\\x08\\x0a-\\x1f\\x7f]", "?"), client);
            } else {
                client.line.write(next);
            }
            return;
        }
        client.command[length++] = next;
        boolean more = length == 1 || (length == 2 && value >= 251 && value <= 254);
        if (length == 3 && client.command[1] == (byte) 253 && next == 6)
            send(client, new byte[] {(byte) 255, (byte) 252, 6});
        client.commandLength = more ? length : 0;
    }

    static void read(Client client, ByteBuffer buffer) {
        buffer.clear();
        try {
            if (client.socket.read(buffer) == -1) drop(client);
        } catch (IOException lost) {
            drop(client);
        }
        buffer.flip();
        while (buffer.hasRemaining() && clients.contains(client))
            take(client, buffer.get());
    }

    static void farewell() {
        for (Client client : clients) {
            try {
                client.socket.write(ByteBuffer.wrap("The room closes\r\n".getBytes()));
                client.socket.close();
            } catch (IOException gone) {
            }
        }
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] arguments) throws IOException {
        Selector selector = Selector.open();
        ByteBuffer buffer = ByteBuffer.allocate(65536);
        listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 511);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        spare = new FileInputStream("/dev/null");
        Runtime.getRuntime().addShutdownHook(new Thread(Room::farewell));
        for (;;) {
            selector.select();
            for (SelectionKey key : selector.selectedKeys()) {
                Client client = (Client) key.attachment();
                if (!key.isValid()) continue;
                if (key.isAcceptable()) accept(selector);
                else if (key.isReadable()) read(client, buffer);
                if (client != null && clients.contains(client) && key.isValid() && key.isWritable())
                    try {
                        flush(client);
                    } catch (IOException lost) {
                        drop(client);
                    }
            }
            selector.selectedKeys().clear();
        }
    }
}
