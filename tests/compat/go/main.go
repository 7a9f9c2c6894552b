// Tests the Go clients that Debian packages: redigo, and version 5 of go-redis. scripts/compat.sh --with-go builds and runs this
// program; python/common.py describes its environment variables.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "gopkg.in/redis.v5"
)

// Maximum wait, far longer than an election takes on a busy machine.
const patience = 60 * time.Second

var (
	ports   = strings.Fields(os.Getenv("COMPAT_PORTS"))
	client  string
	did     []string
	without []string
)

func where() string {
	if len(ports) == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", len(ports))
}

func failed(format string, words ...any) {
	fmt.Printf("%s (%s): FAILED: %s; done before: %s\n", client, where(), fmt.Sprintf(format, words...), strings.Join(did, ", "))
	os.Exit(1)
}

// Fails unless a reply, formatted with %v, is the expected text.
func same(what string, wanted string, reply any, err error) {
	if err != nil {
		failed("%s: %v", what, err)
	}
	if found := fmt.Sprintf("%v", reply); found != wanted {
		failed("%s: got %s, wanted %s", what, found, wanted)
	}
}

func until(what string, probe func() bool) {
	for deadline := time.Now().Add(patience); !probe(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			failed("waited %v for %s", patience, what)
		}
	}
}

func address(node int) string { return "127.0.0.1:" + ports[node] }

func follower() int {
	for node, port := range ports {
		if port == os.Getenv("COMPAT_PORT") {
			return node
		}
	}
	return 0
}

func dial(node int) redis.Conn {
	timeouts := []redis.DialOption{redis.DialReadTimeout(patience), redis.DialWriteTimeout(patience)}
	connection, err := redis.Dial("tcp", address(node), timeouts...)
	if err != nil {
		failed("%s: %v", address(node), err)
	}
	return connection
}

// Whether the server has these commands. A missing one is noted if the environment allows it, otherwise an error.
func has(what string, names ...string) bool {
	connection := dial(0)
	defer connection.Close()
	for _, name := range names {
		found, err := redis.Values(connection.Do("COMMAND", "INFO", name))
		if err != nil {
			failed("COMMAND INFO: %v", err)
		}
		if found[0] == nil {
			if os.Getenv("COMPAT_ALLOW_MISSING") != "1" {
				failed("the server has no %s", name)
			}
			without = append(without, what)
			return false
		}
	}
	return true
}

func report() {
	line := fmt.Sprintf("%s (%s): %s", client, where(), strings.Join(did, ", "))
	if len(without) > 0 {
		line += "; without " + strings.Join(without, ", ")
	}
	fmt.Println(line)
	did, without = nil, nil
}

// Waits until all nodes agree on a leader, and returns its number, from 0.
func leader() int {
	found := -1
	until("a leader that all agree on", func() bool {
		told := map[int]bool{}
		for _, port := range ports {
			connection, err := redis.Dial("tcp", "127.0.0.1:"+port, redis.DialReadTimeout(patience))
			if err != nil {
				return false
			}
			info, _ := redis.String(connection.Do("INFO", "raft"))
			connection.Close()
			_, rest, _ := strings.Cut(info, "\nleader_id:")
			id, _ := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\r", 2)[0]))
			told[id] = true
			found = id - 1
		}
		return len(told) == 1 && found >= 0
	})
	return found
}

func kill(node int) {
	text, err := os.ReadFile(fmt.Sprintf("%s/node%d.pid", os.Getenv("COMPAT_DIR"), node+1))
	if err != nil {
		failed("%v", err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		failed("kill %d: %v", pid, err)
	}
}

func redigoDocuments() {
	connection := dial(follower())
	defer connection.Close()
	reply, err := connection.Do("JSON.SET", "go", "$", `{"name":"Alice","age":30}`)
	same("JSON.SET", "OK", reply, err)
	name, err := redis.String(connection.Do("JSON.GET", "go", "$.name"))
	same("JSON.GET", `["Alice"]`, name, err)
	if _, err = redis.String(connection.Do("JSON.GET", "nobody")); err != redis.ErrNil {
		failed("JSON.GET of nothing: %v", err)
	}
	for n := 0; n < 1000; n++ {
		connection.Send("JSON.SET", fmt.Sprintf("go:%d", n), "$", n)
		connection.Send("JSON.NUMINCRBY", fmt.Sprintf("go:%d", n), "$", 1)
	}
	connection.Flush()
	for n := 0; n < 1000; n++ {
		reply, err = connection.Receive()
		same("JSON.SET in a pipeline", "OK", reply, err)
		sum, err := redis.String(connection.Receive())
		same("JSON.NUMINCRBY in a pipeline", fmt.Sprintf("[%d]", n+1), sum, err)
	}
	did = append(did, "documents", "a pipeline of 2000")
}

func redigoTransaction() {
	connection, rival := dial(follower()), dial(0)
	defer connection.Close()
	defer rival.Close()
	connection.Send("MULTI")
	connection.Send("SET", "go:m", 1)
	connection.Send("INCR", "go:m")
	reply, err := redis.Values(connection.Do("EXEC"))
	same("EXEC", "[OK 2]", reply, err)
	connection.Do("WATCH", "go:m")
	rival.Do("SET", "go:m", 5)
	connection.Send("MULTI")
	connection.Send("INCR", "go:m")
	given, err := connection.Do("EXEC")
	same("EXEC after a foreign write", "<nil>", given, err)
	did = append(did, "MULTI and WATCH")
}

func redigoPublish() {
	listener := redis.PubSubConn{Conn: dial(follower())}
	defer listener.Close()
	connection := dial(follower())
	defer connection.Close()
	listener.Subscribe("news")
	if found, ok := listener.Receive().(redis.Subscription); !ok || found.Count != 1 {
		failed("SUBSCRIBE: %v", found)
	}
	receivers, err := redis.Int(connection.Do("PUBLISH", "news", "hello"))
	same("PUBLISH", "1", receivers, err)
	if found, ok := listener.Receive().(redis.Message); !ok || string(found.Data) != "hello" {
		failed("a message: %v", found)
	}
	did = append(did, "pub/sub")
}

// redigo's pool returns a new connection after the old one has broken; retrying is up to its user.
func redigoFailover() {
	node := leader()
	pool := &redis.Pool{
		Dial: func() (redis.Conn, error) { return redis.Dial("tcp", address(node), redis.DialReadTimeout(patience)) },
	}
	defer pool.Close()
	do := func(words ...any) (reply any) {
		until(fmt.Sprint(words), func() bool {
			connection := pool.Get()
			defer connection.Close()
			var err error
			reply, err = connection.Do(words[0].(string), words[1:]...)
			return err == nil
		})
		return reply
	}
	do("JSON.SET", "before", "$", 1)
	kill(node)
	do("JSON.SET", "after", "$", 2)
	values, err := redis.Strings(do("JSON.MGET", "before", "after", "$"), nil)
	same("documents", "[[1] [2]]", values, err)
	did = append(did, "a killed leader")
}

func goRedis() {
	options := &goredis.Options{Addr: address(follower()), ReadTimeout: patience}
	connection := goredis.NewClient(options)
	defer connection.Close()
	pong, err := connection.Ping().Result()
	same("PING", "PONG", pong, err)
	if has("documents", "JSON.SET") {
		command := goredis.NewStringCmd("JSON.SET", "go", "$", `{"n":1}`)
		connection.Process(command)
		command = goredis.NewStringCmd("JSON.GET", "go", "$.n")
		connection.Process(command)
		text, err := command.Result()
		same("JSON.GET", "[1]", text, err)
		did = append(did, "documents")
	}
	pipeline := connection.Pipeline()
	for n := 0; n < 1000; n++ {
		pipeline.Set(fmt.Sprintf("go:s:%d", n), n, time.Hour)
	}
	last := pipeline.Get("go:s:999")
	if _, err = pipeline.Exec(); err != nil {
		failed("a pipeline: %v", err)
	}
	same("GET in a pipeline", "999", last.Val(), nil)
	keys := 0
	for scan := connection.Scan(0, "go:s:*", 100).Iterator(); scan.Next(); {
		keys++
	}
	same("SCAN", "1000", keys, nil)
	did = append(did, "a pipeline of 1000", "SCAN")
	if has("MULTI", "MULTI", "EXEC") {
		transaction := connection.TxPipeline()
		transaction.Set("go:m", 1, 0)
		sum := transaction.Incr("go:m")
		_, err = transaction.Exec()
		same("a transaction", "2", sum.Val(), err)
		did = append(did, "MULTI")
	}
	if len(ports) > 1 && has("cluster mode", "CLUSTER") {
		var addresses []string
		for node := range ports {
			addresses = append(addresses, address(node))
		}
		cluster := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addresses})
		defer cluster.Close()
		same("SET in a cluster", "OK", cluster.Set("go:c", 1, 0).Val(), nil)
		kill(leader())
		until("the cluster to write again", func() bool { return cluster.Set("go:c2", 2, 0).Err() == nil })
		same("GET in a cluster", "1", cluster.Get("go:c").Val(), nil)
		did = append(did, "cluster mode and a killed leader")
	}
}

func main() {
	client = "redigo"
	if has("documents", "JSON.SET") {
		redigoDocuments()
	}
	if has("MULTI and WATCH", "MULTI", "EXEC", "WATCH", "SET", "INCR") {
		redigoTransaction()
	}
	if has("pub/sub", "SUBSCRIBE", "PUBLISH") {
		redigoPublish()
	}
	if len(ports) > 1 {
		redigoFailover()
	}
	report()
	client = "go-redis v5"
	goRedis()
	report()
}
