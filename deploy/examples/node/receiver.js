// A receiver of Stecker's webhooks: verify, forget repeats, answer, work later.
"use strict";

const { createHmac, timingSafeEqual } = require("node:crypto");
const { createServer } = require("node:http");

const KEY = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE = 300; // seconds
const REMEMBERED = 100000;
const LARGEST = 1024 * 1024;

const seen = new Set(); // in the order of their coming
const latest = new Map(); // job: the last sequence

function isGood(headers, body) {
  const id = headers["webhook-id"] || "";
  const stamp = headers["webhook-timestamp"] || "";
  if (!/^[0-9]{1,12}$/.test(stamp) || Math.abs(Date.now() / 1000 - Number(stamp)) > TOLERANCE) return false;
  const signed = Buffer.concat([Buffer.from(`${id}.${stamp}.`), body]);
  const expected = Buffer.from("v1," + createHmac("sha256", KEY).update(signed).digest("base64"));
  return (headers["webhook-signature"] || "").split(" ").some((one) => {
    const offered = Buffer.from(one);
    return offered.length === expected.length && timingSafeEqual(offered, expected);
  });
}

function isNew(id) {
  if (seen.has(id)) return false;
  seen.add(id);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  return true;
}

// What the events are for, after they were answered.
function goOn(body) {
  const event = JSON.parse(body);
  const job = event.data && event.data.job;
  const number = event.data && event.data.sequence;
  if (!job || number === undefined) return console.log(event.type);
  if (number <= (latest.get(job.id) || 0)) return;
  latest.set(job.id, number);
  console.log(event.type, job.id, job.state);
}

createServer((request, response) => {
  const answer = (status) => response.writeHead(status).end();
  if (request.url !== "/hook") return answer(404);
  if (request.method !== "POST") return answer(405);
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size <= LARGEST) chunks.push(chunk);
  });
  request.on("end", () => {
    if (size > LARGEST) return answer(413);
    const body = Buffer.concat(chunks);
    if (!isGood(request.headers, body)) return answer(401);
    if (isNew(request.headers["webhook-id"])) setImmediate(goOn, body);
    answer(204);
  });
}).listen(Number(process.env.PORT || 3000), "127.0.0.1");
