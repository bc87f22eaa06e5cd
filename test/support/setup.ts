/** For every test file: random inputs are the same in each run, so that a failure can be looked at again. */
import fc from "fast-check";

fc.configureGlobal({ seed: 20_261_125 });
