package peer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"florin/internal/clock"
)

// The engine API of execution nodes, as far as a beacon node needs it: github.com/ethereum/execution-apis, src/engine.
// Building is geth's own testing_buildBlockV1, which is done when it answers and takes exactly what it is given.

type block struct {
	hash string
	time int64
}

// payload is a block as the engine API has it.
type payload struct {
	block
	parent       string
	transactions []string // raw
	text         json.RawMessage
}

// noHash stands for the beacon block of a block: there is none.
const noHash = "0x0000000000000000000000000000000000000000000000000000000000000000"

// build has geth make a block on the head, of these transactions, or of what its pool has to offer if they are nil.
func (b *beacon) build(transactions []string) (payload, error) {
	head := b.branch[len(b.branch)-1]
	at := b.nextTime
	if at == 0 {
		at = max(head.time+1, clock.System{}.Now().Unix())
	}
	var dice [32]byte // without it a block may be the very one that a reorg is to replace
	rand.Read(dice[:])
	answer, err := b.node.Call("testing_buildBlockV1", head.hash, map[string]any{
		"timestamp": fmt.Sprintf("%#x", at), "prevRandao": fmt.Sprintf("%#x", dice), "withdrawals": []any{},
		"suggestedFeeRecipient": "0x0000000000000000000000000000000000000000", "parentBeaconBlockRoot": noHash,
	}, transactions, nil)
	if err != nil {
		return payload{}, err
	}
	var envelope struct{ ExecutionPayload json.RawMessage }
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return payload{}, err
	}
	var said struct {
		BlockHash, ParentHash string
		Transactions          []string
	}
	if err := json.Unmarshal(envelope.ExecutionPayload, &said); err != nil {
		return payload{}, err
	}
	return payload{block{said.BlockHash, at}, said.ParentHash, said.Transactions, envelope.ExecutionPayload}, nil
}

// extend makes p, which was built on the head, the head.
func (b *beacon) extend(p payload) error {
	if err := b.insert(p); err != nil {
		return err
	}
	b.branch = append(b.branch, p.block)
	b.nextTime = 0
	return b.choose(p.hash, len(b.branch)-1)
}

// insert gives geth a block that it is to know; it is not the head by that.
func (b *beacon) insert(p payload) error {
	answer, err := b.engine("engine_newPayloadV3", p.text, []any{}, noHash)
	if err != nil {
		return err
	}
	b.payloads[p.hash] = p
	return valid(answer)
}

// choose makes the block with that hash the head. What is far enough below final is safe and final.
func (b *beacon) choose(hash string, final int) error {
	answer, err := b.engine("engine_forkchoiceUpdatedV3", map[string]string{"headBlockHash": hash,
		"safeBlockHash": b.branch[max(0, final-safeLag)].hash, "finalizedBlockHash": b.branch[max(0, final-finalLag)].hash}, nil)
	if err != nil {
		return err
	}
	var said struct{ PayloadStatus json.RawMessage }
	if err := json.Unmarshal(answer, &said); err != nil {
		return err
	}
	return valid(said.PayloadStatus)
}

// valid reads a PayloadStatusV1.
func valid(answer json.RawMessage) error {
	var said struct{ Status, ValidationError string }
	if err := json.Unmarshal(answer, &said); err != nil {
		return err
	}
	if said.Status != "VALID" {
		return fmt.Errorf("geth says %s", answer)
	}
	return nil
}

// engine calls a method of the engine API, with a token as its authentication document demands (a JWT of now).
func (b *beacon) engine(method string, params ...any) (json.RawMessage, error) {
	claims := fmt.Sprintf(`{"iat":%d}`, clock.System{}.Now().Unix())
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, b.secret)
	mac.Write([]byte(signed))
	return call(b.url, "Bearer "+signed+"."+encode(mac.Sum(nil)), method, params)
}
