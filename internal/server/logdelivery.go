package server

import (
	"path/filepath"
	"time"

	"cognate/internal/pool/logs"
)

// LogDeliverySettings are the settings of the logs of user pools.
type LogDeliverySettings struct {
	LogDeliveryCloudWatch Secret        `name:"log-delivery-cloudwatch-logs" group:"Log delivery" placeholder:"ADDRESS" help:"Where logs of user pools for CloudWatch log groups go (SetLogDeliveryConfiguration): aws, the URL of a compatible endpoint, or file:FOLDER. Without it, serve refuses such a destination; dev writes files in the folder logs of its data. See docs/log-delivery.md."`
	LogDeliveryS3         Secret        `name:"log-delivery-s3" group:"Log delivery" placeholder:"ADDRESS" help:"Where logs of user pools for S3 buckets go: aws, the URL of another store, or file:FOLDER. aws and URLs can have ?region=REGION, path-style=true and wait=1m."`
	LogDeliveryFirehose   Secret        `name:"log-delivery-firehose" group:"Log delivery" placeholder:"ADDRESS" help:"Where logs of user pools for Firehose streams go: aws, the URL of a compatible endpoint, or file:FOLDER."`
	LogDeliveryKeep       time.Duration `name:"log-delivery-keep" group:"Log delivery" default:"168h" placeholder:"TIME" help:"How long records of user pools' logs wait for a destination that is away, from 1h to 312h. Of each user pool and source, at most 100,000 wait."`
}

// logAddresses returns the addresses by kind of destination.
func (c *Config) logAddresses() map[logs.Kind]string {
	list := map[logs.Kind]string{
		logs.CloudWatchLogs: string(c.LogDeliveryCloudWatch), logs.S3: string(c.LogDeliveryS3), logs.Firehose: string(c.LogDeliveryFirehose),
	}
	for kind, address := range list {
		if address == "" && c.Mode == Dev {
			list[kind] = "file:" + filepath.ToSlash(filepath.Join(c.Data, "logs"))
		}
	}
	return list
}

// logTargets returns where logs of user pools go. A kind without an address is missing.
func (c *Config) logTargets(add addProblem) logs.Targets {
	targets := logs.Targets{}
	for kind, address := range c.logAddresses() {
		if address == "" {
			continue
		}
		t, err := logs.ParseTarget(kind, address)
		if err != nil {
			add(kind.Setting(), "%s", err)
			continue
		}
		targets[kind] = t
	}
	return targets
}

func (c *Config) checkLogDelivery(add addProblem) {
	c.logTargets(add)
	if c.LogDeliveryKeep != 0 && (c.LogDeliveryKeep < logs.LeastKeep || c.LogDeliveryKeep > logs.MostKeep) {
		add("log-delivery-keep", "must be from %s to %s", logs.LeastKeep, logs.MostKeep)
	}
}
