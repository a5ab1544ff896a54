/* Internet addresses and networks as text. IPv4-mapped IPv6 is IPv4 everywhere. */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NET_TEXT_SIZE INET6_ADDRSTRLEN

/* 128 bits; IPv4 in its mapped form, so that one comparison serves both. */
struct net_addr {
    uint8_t b[16];
    bool v4;
};

/* A dotted quad or IPv6 text, without port, brackets or zone. */
bool net_parse(const char *s, struct net_addr *out);
/* The address of a peer; false for sockets of other families. */
bool net_of_sockaddr(const struct sockaddr_storage *from, struct net_addr *out);
/* Canonical text: RFC 5952, or a dotted quad. */
void net_text(const struct net_addr *x, char out[static NET_TEXT_SIZE]);
/* Is s an address or a network (CIDR)? */
bool net_network_ok(const char *s);
/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT, taken apart; nothing is looked up. False for anything else: an IPv6
 * address without brackets, a port that is none. */
struct net_host {
    char name[254]; /* without brackets */
    int port;       /* 0 to 65535; -1: none was given */
};
bool net_host_parse(const char *s, struct net_host *out);
/* Is the host (name or address) this one by its very name: 127.0.0.0/8, ::1, localhost? */
bool net_host_local(const char *name);
/* Is s an address that mail may be sent from and to: a dot-string of RFC 5321 without quotes, @, a name of letters,
 * digits,
 * - and .? Nothing else: no blank, control or non-ASCII byte, no leading - that a program would take for an option. */
bool net_mailbox_ok(const char *s);
/* Is x in one of n networks? Entries that are none match nothing. */
bool net_in(const char *const *networks, size_t n, const struct net_addr *x);

#endif
