// A network between the browser and the server that breaks when told to: a proxy for TCP that looks at the first bytes.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Network {
  /** Refuses to carry WebSockets, as some companies' proxies do. */
  noWebSockets = false;
  /** Refuses everything. */
  down = false;
  readonly #webSockets = new Set<Socket>();
  readonly #all = new Set<Socket>();

  private constructor(readonly listener: Server) {}

  static async to(port: number): Promise<Network> {
    const listener = createServer();
    const network = new Network(listener);
    listener.on("connection", (client) => network.#carry(client, port));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return network;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** How many WebSockets are carried now. */
  get webSockets(): number {
    return this.#webSockets.size;
  }

  cutWebSockets(): void {
    for (const s of this.#webSockets) s.destroy();
  }

  cutAll(): void {
    for (const s of this.#all) s.destroy();
  }

  close(): void {
    this.cutAll();
    this.listener.close();
  }

  #carry(client: Socket, port: number): void {
    if (this.down) return void client.destroy();
    const server = connect(port, "127.0.0.1");
    const end = () => {
      client.destroy();
      server.destroy();
      this.#all.delete(client);
      this.#webSockets.delete(client);
    };
    this.#all.add(client);
    for (const s of [client, server]) s.on("error", end).on("close", end);
    client.on("data", (bytes) => {
      if (this.down) return end();
      if (bytes.subarray(0, 4096).toString("latin1").toLowerCase().includes("upgrade: websocket")) {
        if (this.noWebSockets) return end();
        this.#webSockets.add(client);
      }
      server.write(bytes);
    });
    server.on("data", (bytes) => void client.write(bytes));
  }
}
