// Package events is the feed of an app's news: the events that webhooks tell of and those that they
// have no word for, in the core's own words, numbered for good. GET /events answers a page of it, or,
// asked for text/event-stream, goes on as news comes. docs/events.md is the contract.
package events
