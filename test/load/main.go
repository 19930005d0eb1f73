package main

import (
	"carillon/test/load/bench"
	"carillon/test/load/servers"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func main() {
	ss, err := bench.Select(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, s := range ss {
		for _, n := range os.Args[2:] {
			prof := os.Getenv("PROF")
			r, err := bench.Run(context.Background(), s, n, bench.Options{Window: 5 * time.Second, Dir: os.Getenv("DIR"), Profile: prof, Servers: servers.Options{Root: "."}})
			if err != nil {
				fmt.Println(n, s.Name, "ERR", err)
			}
			j, _ := json.Marshal(r)
			fmt.Println(string(j), r.Delivered())
		}
	}
}
