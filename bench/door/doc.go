// Package door measures shapes of the write door without a server around it: what the rows of one new order cost each
// database, by the number of orders in a commit and by how the statements are sent. It has only benchmarks; the schema is
// the product's own, read from its files.
//
//	go test ./bench/door -run '^$' -bench . -count 5
//
// On a busy machine compare the least cpu-µs/order and db-µs/order of several counts; orders/s belongs to the minute.
package door
