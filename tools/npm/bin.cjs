#!/usr/bin/env node
// deno-lint-ignore-file no-var no-console
// Old syntax on purpose: a Node that is too old has to be able to read this file, to say so.
"use strict";

var wanted = /\d+/.exec(require("./package.json").engines.node)[0];
var found = process.versions.node;

if (parseInt(found, 10) < Number(wanted)) {
  console.error("error: ralph needs Node " + wanted + " or later, and this is Node " + found);
  process.exit(5);
} else {
  require("./start.cjs");
}
