package pgcluster

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// keeperScript waits for the end of its input, which comes when this process
// closes it or dies, whatever it dies of; then it clears the cluster away, even one that was frozen: the server kills
// children that do not end.
const keeperScript = `cat >/dev/null
if [ -f "$2/data/postmaster.pid" ]; then
	kill -CONT "$(head -n 1 "$2/data/postmaster.pid")"
	"$1/pg_ctl" --pgdata="$2/data" --mode=immediate --wait --silent stop
fi
cd / && rm -rf "$2"`

// keeper is the process that outlives this one for as long as it takes to
// remove a cluster: a test that is killed must leave no server behind.
type keeper struct {
	cmd   *exec.Cmd
	alive io.WriteCloser
}

func startKeeper(c *Cluster) (*keeper, error) {
	// Not bound to a context: it ends with its input.
	cmd := c.command(context.Background(), "/bin/sh", "-c", keeperScript, "sh", c.bin, c.dir)
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &keeper{cmd: cmd, alive: alive}, nil
}

func (k *keeper) end() error {
	if err := k.alive.Close(); err != nil {
		return err
	}
	if err := k.cmd.Wait(); err != nil {
		return fmt.Errorf("remove the PostgreSQL cluster: %w", err)
	}
	return nil
}
