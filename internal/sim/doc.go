// Package sim plays the whole program against seeded faults: merchants, payers, two simulated
// networks with forks, lying nodes, pools that forget and fees that leap, two processes that die
// between any two commits or do not hear what came of one, an operator who funds, approves, stops and
// resumes, and webhook receivers that are dead, slow or talk nonsense. Inside are the
// real dialect, engine, follower, notifier, treasury and database; the outside world, the clock, and all
// chance come from one seed. After each step an auditor judges the database. It shares no code with
// what it judges: it reads the rows with SQL of its own, reckons with math/big, and knows what
// ought to be there from the networks' own truth and from what merchants and payers were told.
//
// # Reading a failure
//
// A failure prints the seed, what the auditor found, and the last steps. The same seed plays the
// same world, so run it alone with its whole log:
//
//	make sim SEED=17
//
// A line of the log is: the step, how long the world has been going, and what was done. Lines that
// begin with ">" happened inside the step above, between two commits of it. What the auditor says
// names the order, transfer or account. The step that it names is the first after which the
// database was wrong: look for the commits that step makes. When it says "at the end", nothing
// wrong was ever written, and something never was: see what the world's heal waits for.
//
// What is not simulated: concurrency inside one process (the race tests and storetest have it), a
// commit that is torn in itself (SQLite and PostgreSQL have it; kill -9 of the real binary is
// bench's crash scenario), and the HTTP of pages and webhooks.
//
// At the end, in some worlds, the operator decides about every row that is left at the exception desk: each lets him, and
// lets nobody decide again.
//
// Orders have the policies of all dialects, whatever dialect tells of them: ranges, every meaning of lateness, news of
// which each piece is told. In some worlds the networks' fees of a day have a limit.
//
// No fork takes away a final block with a transaction of ours, or with money that only a balance
// tells: both are believed once they are final (docs/payouts.md). Deposits do lose final blocks here.
//
// # Planted bugs
//
// TestPlantedBugs proves that the auditor sees: testdata/bugs.diff has mutations of the program, one
// a name, which are compiled in with the build tag florin_bugs and chosen by FLORIN_BUG. Each of
// them must be found within a few seeds. FLORIN_SIM_BUG, a pattern, looks for those alone.
package sim
