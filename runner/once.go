package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ranBefore looks for the marker before anything is touched: the log of the only
// run must stay as it is.
func ranBefore(marker string) error {
	if marker == "" {
		return nil
	}
	if _, err := os.Lstat(marker); err == nil {
		return startedBefore()
	}
	return nil
}

func startedBefore() error {
	return refuse(exitRanBefore, "the algorithm was started before, in a pod that is gone")
}

// claimOnce makes sure that an algorithm starts once in the life of its volume,
// whatever happens to the pods around it: the consumer paid for one run, and a
// cluster that lost a pod can't always tell whether it had begun. The marker is
// made in one step, so of two runners one loses.
//
// The algorithm can remove the marker, which gains it nothing: only the cluster
// starts another pod.
func claimOnce(marker string) error {
	if marker == "" {
		return nil
	}
	file, err := os.OpenFile(marker, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o444)
	switch {
	case errors.Is(err, fs.ErrExist):
		return startedBefore()
	case err != nil:
		return refuse(exitConfig, "once: %v", err)
	}
	return file.Close()
}
