// Writes every event, from the oldest that is kept, into an SQLite file, each message once, however often this program or
// the server is stopped: the cursor is stored in the transaction that stores the message.
import { DatabaseSync } from "node:sqlite";
import { connect, EventPhase, EventType, toDate } from "@sightline/client";

const [address = "127.0.0.1:50051", file = "events.sqlite"] = process.argv.slice(2);
const sightline = connect(address);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => sightline.close());

const database = new DatabaseSync(file);
database.exec(`
  pragma journal_mode = wal;
  create table if not exists events (
    name text, revision integer, type text, phase text, track text, class text, time text, message text,
    primary key (name, revision)
  ) strict;
  create table if not exists place (id integer primary key check (id = 1), cursor text not null) strict;
`);
const add = database.prepare("insert or ignore into events values (?, ?, ?, ?, ?, ?, ?, ?)");
const move = database.prepare("insert or replace into place values (1, ?)");
const place = database.prepare("select cursor from place").get();

const nameOf = (names: Record<string, number>, value: number) =>
  Object.keys(names)
    .find((name) => names[name] === value)
    ?.toLowerCase() ?? "";

const start = place ? { cursor: String(place.cursor) } : "beginning";
console.error(place ? "going on where it ended" : "from the beginning");

// With progress the stored place stays recent also under a `filter` that lets nothing through for days.
for await (const message of sightline.events.subscribe({ start, progress: true })) {
  database.exec("begin");
  if (message.kind === "event") {
    const { name, revision, type, phase, track, updateTime, message: text } = message.event;
    const time = updateTime ? toDate(updateTime).toISOString() : "";
    const [typeName, phaseName] = [nameOf(EventType, type), nameOf(EventPhase, phase)];
    add.run(name, revision, typeName, phaseName, track?.id ?? "", track?.className ?? "", time, text);
    console.log(`${time} ${name} ${typeName} ${phaseName}`);
  } else if (message.kind === "gap") {
    console.error(`${message.gap.messages} messages are gone for good (${message.gap.reason})`);
  }
  move.run(message.cursor);
  database.exec("commit");
}
database.close();
