// Command log checks, with Go's own implementations, what the TypeScript log made. It reads one JSON document from
// standard input, prints one line per disagreement, and answers with a document of its own for the way back.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index, Size int64
	LeafHash    string
	Root        string
	Hashes      []string
}

type consistency struct {
	From, To         int64
	FromRoot, ToRoot string
	Hashes           []string
}

type request struct {
	Entries     []string // base64; the whole log
	Roots       []string // by size, from 1
	Inclusion   []inclusion
	Consistency []consistency
	Notes       []struct {
		Text, Body, VerifierKey string
		Good                    bool
	}
	Sign struct{ Name, Body string }
}

type answer struct {
	Checked     int
	Wrong       []string
	Note        string
	VerifierKey string
}

// memory is a complete in-memory store of the tree's hashes.
type memory []tlog.Hash

func (m *memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = (*m)[index]
	}
	return out, nil
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func hash(text string) tlog.Hash {
	h, err := tlog.ParseHash(text)
	must(err)
	return h
}

func hashes(texts []string) []tlog.Hash {
	out := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		out[i] = hash(text)
	}
	return out
}

func same(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	must(err)
	var r request
	must(json.Unmarshal(input, &r))
	a := answer{Wrong: []string{}}
	check := func(ok bool, format string, args ...any) {
		a.Checked++
		if !ok {
			a.Wrong = append(a.Wrong, fmt.Sprintf(format, args...))
		}
	}

	store := &memory{}
	for i, entry := range r.Entries {
		data, err := base64.StdEncoding.DecodeString(entry)
		must(err)
		grown, err := tlog.StoredHashes(int64(i), data, store)
		must(err)
		*store = append(*store, grown...)
		root, err := tlog.TreeHash(int64(i+1), store)
		must(err)
		check(root == hash(r.Roots[i]), "root of size %d", i+1)
	}
	for _, p := range r.Inclusion {
		err := tlog.CheckRecord(hashes(p.Hashes), p.Size, hash(p.Root), p.Index, hash(p.LeafHash))
		check(err == nil, "inclusion of %d in %d: %v", p.Index, p.Size, err)
		own, err := tlog.ProveRecord(p.Size, p.Index, store)
		must(err)
		check(same(own, hashes(p.Hashes)), "path of %d in %d differs", p.Index, p.Size)
	}
	for _, p := range r.Consistency {
		err := tlog.CheckTree(hashes(p.Hashes), p.To, hash(p.ToRoot), p.From, hash(p.FromRoot))
		check(err == nil, "consistency of %d and %d: %v", p.From, p.To, err)
		own, err := tlog.ProveTree(p.To, p.From, store)
		must(err)
		check(same(own, hashes(p.Hashes)), "consistency path of %d and %d differs", p.From, p.To)
	}
	for i, n := range r.Notes {
		verifier, err := note.NewVerifier(n.VerifierKey)
		must(err)
		opened, err := note.Open([]byte(n.Text), note.VerifierList(verifier))
		good := err == nil && opened.Text == n.Body && len(opened.Sigs) == 1
		check(good == n.Good, "note %d: want good %v, got %v", i, n.Good, err)
	}

	secret, verifierKey, err := note.GenerateKey(nil, r.Sign.Name)
	must(err)
	signer, err := note.NewSigner(secret)
	must(err)
	signed, err := note.Sign(&note.Note{Text: r.Sign.Body}, signer)
	must(err)
	check(strings.HasPrefix(string(signed), r.Sign.Body), "body of the note that Go signed")
	a.Note, a.VerifierKey = string(signed), verifierKey
	must(json.NewEncoder(os.Stdout).Encode(a))
}
