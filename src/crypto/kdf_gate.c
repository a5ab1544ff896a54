/* The bound on password hashing for the whole host: byte locks in one file, which the kernel frees when a process dies,
 * however it dies. Fails closed. The file must never be opened a second time by the same process: closing any
 * descriptor of a file drops all fcntl locks its process holds on it. */
#include "crypto/kdf.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEATS_AT 4096 /* offset of the first seat; slots begin at 0 */
#define APART_AT 8192 /* of the first seat of those apart */
#define STEP_MIN 2    /* ms between tries */
#define STEP_MAX 20

struct kdf_gate {
    int fd;
    int slots, seats, seats_at;
    int slot, seat; /* bytes held, or -1 */
    int64_t wait;
};

static int at_least(int64_t n, int64_t least)
{
    return (int)(n > least ? n : least);
}

/* All but one of those on the second socket may hash or wait: the one tells the rest that there is no room. */
static int apart_seats(const struct cfg *cfg)
{
    return at_least(cfg->pool_sign_in_workers - 1, 1);
}

int64_t kdf_gate_slots(const struct cfg *cfg)
{
    if (cfg->password_slots > 0)
        return cfg->password_slots < SEATS_AT ? cfg->password_slots : SEATS_AT;
    int64_t most = cfg->pool_workers / 2;
    if (*cfg->pool_sign_in_socket && apart_seats(cfg) > most)
        most = apart_seats(cfg);
    int half = at_least(most, 1), cpus = at_least(sysconf(_SC_NPROCESSORS_ONLN), 1);
    return cpus < half ? cpus : half;
}

enum err kdf_gate_open(const struct cfg *cfg, bool apart, struct kdf_gate **out)
{
    struct kdf_gate *g = calloc(1, sizeof *g);
    if (!g) {
        log_error("out of memory: hash gate");
        return ERR_NO_MEMORY;
    }
    g->slot = g->seat = -1;
    g->slots = (int)kdf_gate_slots(cfg);
    g->seats_at = apart ? APART_AT : SEATS_AT;
    g->seats = apart ? apart_seats(cfg) : at_least(cfg->pool_workers / 2, 1);
    /* more slots than seats mean that somebody wants them all used, on the only socket there is */
    if (!*cfg->pool_sign_in_socket && g->seats < g->slots)
        g->seats = g->slots;
    int64_t half = cfg->limits_request / 2; /* the other half is for hashing and storing */
    g->wait = half > 0 && half < cfg->password_wait ? half : cfg->password_wait;
    enum err e = fs_lock_open(cfg->pool_state, "hash.lock", &g->fd);
    if (e != ERR_OK) {
        free(g);
        return e;
    }
    *out = g;
    return ERR_OK;
}

void kdf_gate_close(struct kdf_gate **g)
{
    if (!g || !*g)
        return;
    close((*g)->fd);
    free(*g);
    *g = NULL;
}

/* Looks for a free byte of n from `first` on, beginning at one that differs between processes. ERR_HASH_BUSY. */
static enum err byte_take(int fd, int first, int n, int *held)
{
    int start = (int)(getpid() % n);
    for (int i = 0; i < n; i++) {
        int at = first + (start + i) % n, res = fs_lock_byte(fd, at, F_WRLCK);
        if (res < 0) {
            log_error("hash.lock: %s", strerror(errno));
            return ERR_IO;
        }
        if (res == 0) {
            *held = at;
            return ERR_OK;
        }
    }
    return ERR_HASH_BUSY;
}

static void byte_give(int fd, int *held)
{
    if (*held >= 0 && fs_lock_byte(fd, *held, F_UNLCK) != 0)
        log_error("hash.lock: unlock: %s", strerror(errno));
    *held = -1;
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL); /* a signal only makes the next try come earlier */
}

static enum err slot_wait(struct kdf_gate *g)
{
    int64_t end = clock_steady() + g->wait, step = STEP_MIN;
    for (;;) {
        enum err e = byte_take(g->fd, 0, g->slots, &g->slot);
        int64_t left = end - clock_steady();
        if (e != ERR_HASH_BUSY || left <= 0)
            return e;
        pause_ms(step < left ? step : left);
        step = step * 2 < STEP_MAX ? step * 2 : STEP_MAX;
    }
}

enum err kdf_gate_enter(struct kdf_gate *g)
{
    /* The kernel would grant a second lock to the same process: a bug here would lift the bound unseen. */
    if (g->seat >= 0) {
        log_error("hash gate entered twice");
        return ERR_IO;
    }
    TRY(byte_take(g->fd, g->seats_at, g->seats, &g->seat));
    enum err e = slot_wait(g);
    if (e != ERR_OK)
        byte_give(g->fd, &g->seat);
    return e;
}

void kdf_gate_leave(struct kdf_gate *g)
{
    byte_give(g->fd, &g->slot);
    byte_give(g->fd, &g->seat);
}
