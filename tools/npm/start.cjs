"use strict";

// A file of its own: what is older than import() has read bin.cjs, and not this.
import("./cli.js").then(({ run }) => run());
