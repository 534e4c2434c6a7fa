// Writes what Ollama makes of our Modelfiles, with its own parser and templates:
//
//	cd tools/reference/ollama && go mod tidy && go run . ../../../test/golden/ollama
//
// The folder holds NAME.Modelfile and conversations.json; prompts.json gets, for each Modelfile, its other commands and the
// prompt of each conversation. As Ollama's server does, a conversation without a system message gets that of the Modelfile.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/parser"
	"github.com/ollama/ollama/template"
)

type result struct {
	Commands [][2]string `json:"commands"`
	Prompts  []string    `json:"prompts"`
}

func main() {
	folder := os.Args[1]
	var conversations [][]api.Message
	text, err := os.ReadFile(filepath.Join(folder, "conversations.json"))
	check(err)
	check(json.Unmarshal(text, &conversations))
	paths, err := filepath.Glob(filepath.Join(folder, "*.Modelfile"))
	check(err)
	results := map[string]result{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".Modelfile")
		results[name] = read(path, conversations)
	}
	out, err := os.Create(filepath.Join(folder, "prompts.json"))
	check(err)
	defer out.Close()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	check(encoder.Encode(results))
}

func read(path string, conversations [][]api.Message) result {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	modelfile, err := parser.ParseFile(file)
	check(err)
	var found result
	var system, source string
	for _, command := range modelfile.Commands {
		switch command.Name {
		case "template":
			source = command.Args
		case "system":
			system = command.Args
			fallthrough
		default:
			found.Commands = append(found.Commands, [2]string{command.Name, command.Args})
		}
	}
	parsed, err := template.Parse(source)
	check(err)
	for _, messages := range conversations {
		if system != "" && messages[0].Role != "system" {
			messages = append([]api.Message{{Role: "system", Content: system}}, messages...)
		}
		var prompt strings.Builder
		check(parsed.Execute(&prompt, template.Values{Messages: messages}))
		found.Prompts = append(found.Prompts, prompt.String())
	}
	return found
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
