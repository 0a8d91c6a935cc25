// Reference (c) of the door: bolt-js that stores each event with one script call by ioredis before its 200 goes out.
// Started by bench/child.py as `node server.js PLAN`; it says its address when it is ready.

import bolt from "@slack/bolt";
import { Redis } from "ioredis";

const plan = JSON.parse(process.argv[2]);

// The least that keeps the promise: what the thing is (for a week) so that it is taken once, and the body in a queue.
const STORE = `
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', 604800) then return 0 end
redis.call('XADD', KEYS[2], '*', 'lane', ARGV[1], 'body', ARGV[2])
return 1`;

const redis = new Redis(plan.redis.replace("unix://", ""), { enableAutoPipelining: true });
redis.defineCommand("store", { numberOfKeys: 2, lua: STORE });

const app = new bolt.App({
  signingSecret: plan.secret,
  authorize: async () => ({ botToken: "xoxb-0", botId: "B0", botUserId: "U0BOT", teamId: "T0BENCH01" }),
  processBeforeResponse: true, // else the 200 goes out before the listener runs
  logLevel: bolt.LogLevel.ERROR,
});

app.event("message", async ({ event, body }) => {
  const lane = `${body.team_id}:${event.channel}:${event.thread_ts ?? event.ts}`;
  const known = `bolt:{js}:seen:msg:${body.team_id}:${event.channel}:${event.ts}`;
  await redis.store(known, "bolt:{js}:events", lane, JSON.stringify(body));
});

const server = await app.start({ port: 0, host: "127.0.0.1" });
console.log(`http://127.0.0.1:${server.address().port}`);
process.on("SIGTERM", () => process.exit(0));
