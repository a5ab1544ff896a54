/* Memory shared by the processes of a pool: anonymous, so that it ends with them. */
#include "base/board.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static size_t size_of(size_t seats)
{
    return sizeof(struct board) + seats * sizeof(struct board_seat);
}

enum err board_open(size_t seats, struct board **out)
{
    void *p = mmap(NULL, size_of(seats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        log_error("shared memory: %s", strerror(errno));
        return ERR_NO_MEMORY;
    }
    *out = p;
    (*out)->n = seats;
    return ERR_OK;
}

void board_close(struct board **b)
{
    if (*b)
        munmap(*b, size_of((*b)->n));
    *b = NULL;
}

void board_begin(struct board_seat *seat, int64_t steady)
{
    if (!seat)
        return;
    seat->request[0] = '\0';
    atomic_store(&seat->proven, 1);
    atomic_store(&seat->busy_since, steady);
}

void board_name(struct board_seat *seat, const char *request)
{
    if (!seat)
        return;
    size_t n = strnlen(request, sizeof seat->request - 1);
    memcpy(seat->request, request, n);
    seat->request[n] = '\0';
}

void board_end(struct board_seat *seat)
{
    if (seat)
        atomic_store(&seat->busy_since, 0);
}

/* FNV-1a; no more is at stake than a warning. */
static uint64_t hash_of(const char *s)
{
    uint64_t h = 14695981039346656037U;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211U;
    return h | 1;
}

bool board_crowd(struct board *b, const char *address, const char *user)
{
    enum { ENOUGH = 200, OVER = INT32_MIN / 2 }; /* so far below 0 that those who count meanwhile do not come up again */
    uint64_t from = hash_of(address), who = hash_of(user), none = 0;
    struct crowd *c = b ? &b->crowd : NULL;

    if (!c || atomic_load(&c->n) < 0)
        return false;
    if (!atomic_compare_exchange_strong(&c->address, &none, from) && none != from) {
        atomic_store(&c->n, OVER);
        return false;
    }
    if (atomic_exchange(&c->user, who) == who || atomic_fetch_add(&c->n, 1) + 1 != ENOUGH)
        return false;
    atomic_store(&c->n, OVER);
    return true;
}
