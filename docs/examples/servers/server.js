// A Node HTTP server on the socket that reeve holds: says which process answered.
//
// SIGTERM loses nobody a request: no further connections (they wait in the socket for the other
// processes), answers on the old ones with Connection: close, the end when the last one is closed.
'use strict';

const { execFile } = require('child_process');
const http = require('http');
const net = require('net');

const LISTEN_FD = 3; // the first of LISTEN_FDS; reeve opened it
const IDLE_MSEC = 2000; // for one more request on a kept connection on which nothing comes

let leaves = false;
const server = http.createServer((request, response) => {
  const body = JSON.stringify({ pid: process.pid });
  if (leaves) response.setHeader('Connection', 'close');
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
});

process.on('SIGTERM', () => {
  leaves = true;
  // The close of net, not of http: since Node 19 that one also closes what is idle, at once, under a
  // request that may be on its way.
  net.Server.prototype.close.call(server, () => process.exit(0));
  setTimeout(() => server.closeIdleConnections(), IDLE_MSEC);
});

// Node cannot write to NOTIFY_SOCKET by itself; this program of systemd's does.
server.listen({ fd: LISTEN_FD }, () => execFile('systemd-notify', ['--ready']));
