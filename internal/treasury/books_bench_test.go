package treasury_test

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkReconcile compares books of 200,000 deposits, of which 100,000 lie at their addresses still.
func BenchmarkReconcile(b *testing.B) {
	h := newHome(b, "")
	// Past the program, for this is not about how they came: rows that name no order, and are whole.
	const rows, step = 200_000, 1000
	for from := 0; from < rows; from += step {
		var entries, postings, transfers []string
		for i := from; i < from+step; i++ {
			entries = append(entries, fmt.Sprintf("('b%07d', 'b%07d', '', 0)", i, i))
			postings = append(postings, fmt.Sprintf("('b%07d', 0, 'custody', 'sim-ethereum', '%s', 'debit', '1000000')", i, usdt),
				fmt.Sprintf("('b%07d', 1, 'merchant', '%s', '%s', 'credit', '1000000')", i, h.app.MerchantID, usdt))
			swept := ""
			if i%2 == 1 {
				swept = "flushed:0:4"
			}
			transfers = append(transfers, fmt.Sprintf("('sim-ethereum', 'b%07d', 'log:0', 'o', '%s', '', '0x%040d', '%s', '1000000', TRUE, 4, '', 0, 'confirmed', FALSE, 'merchant', '', '0', TRUE, 1, '%s')",
				i, h.app.MerchantID, i, usdt, swept))
		}
		h.exec("INSERT INTO entries (id, ref, order_id, created_at) VALUES " + strings.Join(entries, ", "))
		h.exec("INSERT INTO postings (entry_id, line, kind, owner, asset, side, units) VALUES " + strings.Join(postings, ", "))
		h.exec("INSERT INTO transfers (chain, txid, position, order_id, merchant_id, sender, recipient, asset, units, listed, block_height, block_hash, block_time, status, removed, booked, reason, fee_units, counted, credits, swept_by) VALUES " + strings.Join(transfers, ", "))
	}
	b.ResetTimer()
	for range b.N {
		if _, err := h.engine.Books(h.ctx, "sim-ethereum"); err != nil {
			b.Fatal(err)
		}
	}
}
