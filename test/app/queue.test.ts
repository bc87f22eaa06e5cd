/** The queue of one process. */
import { createQueue } from "../../src/app/queue.ts";
import { testQueue } from "../support/queue-suite.ts";

testQueue((options) => Promise.resolve(createQueue(options)), 200);
