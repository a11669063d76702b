package handlers

// Routes is the table for tests: "GET /chats/{chat_id}/", and who may call it.
func Routes(realtime Endpoints) map[string]string {
	names := map[access]string{anyone: "anyone", anyoneWhoProves: "anyone who proves", user: "user", self: "self", selfInChat: "self in chat"}
	a := &api{Config: Config{Realtime: realtime}}
	table := map[string]string{}
	for _, r := range a.routes() {
		if r.handle != nil {
			table[r.method+" "+r.path] = names[r.who]
		}
	}
	return table
}

// Kinds are the HTTP statuses of every code.
func Kinds() map[string]int {
	statuses := map[string]int{}
	for code, k := range kinds {
		statuses[string(code)] = k.status
	}
	return statuses
}

// ProblemOf is the body that answers an error.
var ProblemOf = problemOf

// OpenAPI is the document as it is served.
var OpenAPI = openAPI
