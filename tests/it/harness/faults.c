/* Faults of the machine for one server process: a time of day that is set wrong, and a disk that is slow or fails.
 *
 * Loaded with LD_PRELOAD. A test writes the faults into the file that FAULTS_FILE names. The file is mapped here, so that
 * changes apply from the next call on. System calls are made directly, because no function can be looked up before main. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The layout of the file, the same as in harness/faults.rs. */
struct faults {
    _Atomic int64_t clock_ahead_ms;
    _Atomic int64_t sync_delay_ms;
    _Atomic int64_t sync_errno;
    /* The number of syncs that were delayed or failed, counted when they begin. */
    _Atomic int64_t syncs_hit;
};

static struct faults none;
static struct faults *faults = &none;

__attribute__((constructor)) static void map_faults(void) {
    const char *path = getenv("FAULTS_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) abort();
    void *mapped = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) abort();
    faults = mapped;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t nanos = now->tv_nsec + faults->clock_ahead_ms % 1000 * 1000000;
        now->tv_sec += faults->clock_ahead_ms / 1000 + (nanos >= 1000000000) - (nanos < 0);
        now->tv_nsec = (nanos + 1000000000) % 1000000000;
    }
    return (int)failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

/* Waits for the delay, which may be shortened meanwhile, and returns the result of the sync. */
static int sync_with(long call, int fd) {
    if (faults->sync_delay_ms || faults->sync_errno) faults->syncs_hit++;
    const struct timespec step = {.tv_nsec = 10 * 1000000};
    for (int64_t waited_ms = 0; waited_ms < faults->sync_delay_ms; waited_ms += 10) nanosleep(&step, NULL);
    if (faults->sync_errno) {
        errno = (int)faults->sync_errno;
        return -1;
    }
    return (int)syscall(call, fd);
}

int fsync(int fd) { return sync_with(SYS_fsync, fd); }

int fdatasync(int fd) { return sync_with(SYS_fdatasync, fd); }
