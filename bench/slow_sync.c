/* A disk whose syncs take longer, for the process that this is preloaded into: as many do that are not a virtual machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int later(const char *name, int descriptor) {
    usleep(atoi(getenv("BENCH_SYNC_MICROSECONDS")));
    int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return sync(descriptor);
}

int fsync(int descriptor) { return later("fsync", descriptor); }
int fdatasync(int descriptor) { return later("fdatasync", descriptor); }
