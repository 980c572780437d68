// Package tidy is the tests of the tree itself: who may import whom, calls that are not made here, floats kept out of
// money, generated files that are fresh, threats that have their test, and nothing of a developer's machine in a file.
//
// It reads the files rather than asking the go command: the test cache knows which files a test has read, but not what
// another program read for it. Each rule is a function of a set of files, so that its own test can plant a violation.
package tidy
