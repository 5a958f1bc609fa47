// For a container's health check: ends well when the service of this container says that it is ready.
const { ok } = await fetch(`http://127.0.0.1:${process.argv[2]}/readyz`).catch(() => ({ ok: false }));
process.exit(ok ? 0 : 1);
