// The floor of the benches of scale and of storms: rtnetlink with nothing around it.
//
//   raw dump          sockets, groups, a dump of links and one of addresses; "ready …", then sleeps until killed
//   raw state         the same, then the state, and ends: what the kernel says
//   raw watch         the same, then keeps the state by notifications and dumps again after a loss;
//                     a line of input asks for the state, and is answered when nothing is left to read
//   raw watch echo    says "at NS" each time when it has read all, too
//   raw change add|del INDEX NUMBER
//                     changes one address, and says when it began to
//   raw storm SECONDS PER_SECOND ROUND INDEX…
//                     changes addresses of these links, in batches of one millisecond
//
// "ready LINKS ADDRESSES NANOSECONDS" says how long the two dumps took. A state is
//   settled NS / messages N / lost N / resynced NS … / INDEX LEVEL ADDRESS,… for each link / end
// with instants of CLOCK_MONOTONIC, and the levels that the library's table of links gives.

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LARGEST_INDEX 65536
#define RECEIVE_BUFFER (1024 * 1024)
#define RESYNCS 64

struct address { unsigned char family, prefix, bytes[16]; };
struct link { unsigned flags; int is_there, count, room; struct address *addresses; };

static struct link links[LARGEST_INDEX];
static char buffer[32768];
static int notifications, requests, highest;
static unsigned sequence;
static unsigned long messages, lost, resyncs, rows[2];
static long long settled, resynced[RESYNCS];

static long long now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void check(int result, const char *what) {
    if (result < 0) { perror(what); exit(1); }
}

static int open_socket(void) {
    int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    struct sockaddr_nl any = { .nl_family = AF_NETLINK };
    check(fd, "socket");
    check(bind(fd, (struct sockaddr *)&any, sizeof any), "bind");
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    return fd;
}

static void open_sockets(void) {
    int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR }, size = RECEIVE_BUFFER;
    notifications = open_socket();
    requests = open_socket();
    for (int i = 0; i < 3; i++)
        check(setsockopt(notifications, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(int)), "group");
    if (setsockopt(notifications, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(notifications, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static int is_usable(const struct ifaddrmsg *about, unsigned flags, const unsigned char *bytes) {
    if (flags & (IFA_F_TENTATIVE | IFA_F_DEPRECATED | IFA_F_DADFAILED)) return 0;
    return about->ifa_family == AF_INET ? bytes[0] != 127 : !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

static void on_link(const struct nlmsghdr *header) {
    const struct ifinfomsg *about = NLMSG_DATA(header);
    if (about->ifi_index >= LARGEST_INDEX) return;
    struct link *link = &links[about->ifi_index];
    if (about->ifi_index > highest) highest = about->ifi_index;
    link->flags = about->ifi_flags;
    link->is_there = header->nlmsg_type == RTM_NEWLINK;
    if (!link->is_there) link->count = 0;
}

static void on_address(const struct nlmsghdr *header) {
    const struct ifaddrmsg *about = NLMSG_DATA(header);
    unsigned flags = about->ifa_flags;
    const void *local = NULL, *value = NULL;
    int left = IFA_PAYLOAD(header), bytes = about->ifa_family == AF_INET ? 4 : 16, i;
    for (struct rtattr *it = IFA_RTA(about); RTA_OK(it, left); it = RTA_NEXT(it, left)) {
        if (it->rta_type == IFA_LOCAL) local = RTA_DATA(it);
        if (it->rta_type == IFA_ADDRESS) value = RTA_DATA(it);
        if (it->rta_type == IFA_FLAGS) flags = *(unsigned *)RTA_DATA(it);
    }
    if (local) value = local;
    if (!value || about->ifa_index >= LARGEST_INDEX) return;
    struct link *link = &links[about->ifa_index];
    struct address address = { .family = about->ifa_family, .prefix = about->ifa_prefixlen };
    memcpy(address.bytes, value, bytes);
    for (i = 0; i < link->count && memcmp(&link->addresses[i], &address, sizeof address); i++) {}
    if (header->nlmsg_type == RTM_DELADDR || !is_usable(about, flags, address.bytes)) {
        if (i < link->count) link->addresses[i] = link->addresses[--link->count];
    } else if (i == link->count) {
        if (link->count == link->room) {
            link->room = link->room ? 2 * link->room : 4;
            link->addresses = realloc(link->addresses, link->room * sizeof address);
        }
        link->addresses[link->count++] = address;
    }
}

static void on_message(const struct nlmsghdr *header) {
    if (header->nlmsg_type == RTM_NEWLINK || header->nlmsg_type == RTM_DELLINK) on_link(header);
    if (header->nlmsg_type == RTM_NEWADDR || header->nlmsg_type == RTM_DELADDR) on_address(header);
}

// Whether it came whole.
static int dump(int type) {
    struct { struct nlmsghdr header; union { struct ifinfomsg link; struct ifaddrmsg address; } u; struct rtattr mask; unsigned skip; } request;
    int is_whole = 1, is_links = type == RTM_GETLINK;
    memset(&request, 0, sizeof request);
    request.header.nlmsg_type = type;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.header.nlmsg_seq = ++sequence;
    request.header.nlmsg_len = NLMSG_LENGTH(is_links ? sizeof(struct ifinfomsg) : sizeof(struct ifaddrmsg));
    if (is_links) {
        request.mask.rta_type = IFLA_EXT_MASK;
        request.mask.rta_len = RTA_LENGTH(4);
        request.skip = RTEXT_FILTER_SKIP_STATS;
        request.header.nlmsg_len += 8;
    }
    check(send(requests, &request, request.header.nlmsg_len, 0), "send");
    rows[!is_links] = 0;
    for (;;) {
        int length = recv(requests, buffer, sizeof buffer, 0);
        check(length, "recv");
        for (struct nlmsghdr *it = (void *)buffer; NLMSG_OK(it, length); it = NLMSG_NEXT(it, length)) {
            if (it->nlmsg_seq != sequence) continue;
            if (it->nlmsg_flags & NLM_F_DUMP_INTR) is_whole = 0;
            if (it->nlmsg_type == NLMSG_ERROR) { fputs("the kernel refused a dump\n", stderr); exit(1); }
            if (it->nlmsg_type == NLMSG_DONE) return is_whole;
            rows[!is_links]++;
            on_message(it);
        }
    }
}

static int resync(void) {
    for (int i = 0; i <= highest; i++) links[i].is_there = links[i].count = 0;
    int links_whole = dump(RTM_GETLINK), addresses_whole = dump(RTM_GETADDR);
    resynced[resyncs++ % RESYNCS] = now();
    return links_whole && addresses_whole;
}

static void say_state(void) {
    char text[INET6_ADDRSTRLEN];
    printf("settled %lld\nmessages %lu\nlost %lu\nresynced", settled, messages, lost);
    for (unsigned long i = 0; i < resyncs && i < RESYNCS; i++) printf(" %lld", resynced[i]);
    puts("");
    for (int i = 2; i <= highest; i++) {
        const struct link *link = &links[i];
        if (!link->is_there) continue;
        unsigned carrier = IFF_RUNNING | IFF_LOWER_UP;
        const char *level = !(link->flags & IFF_UP) ? "discovered"
            : (link->flags & carrier) != carrier ? "defined" : link->count ? "active" : "discovered";
        printf("%d %s ", i, level);
        for (int n = 0; n < link->count; n++) {
            const struct address *it = &link->addresses[n];
            inet_ntop(it->family, it->bytes, text, sizeof text);
            printf("%s%s/%d", n ? "," : "", text, it->prefix);
        }
        puts("");
    }
    puts("end");
    fflush(stdout);
}

// Until nothing is left.
static void read_all(int *is_whole) {
    for (;;) {
        int length = recv(notifications, buffer, sizeof buffer, 0);
        if (length < 0 && errno == ENOBUFS) {
            // What is left is older than the dump that follows.
            lost++;
            while ((length = recv(notifications, buffer, sizeof buffer, 0)) >= 0 || errno == ENOBUFS) {}
            *is_whole = resync();
        } else if (length < 0) {
            if (*is_whole) return;
            *is_whole = resync();
        } else {
            for (struct nlmsghdr *it = (void *)buffer; NLMSG_OK(it, length); it = NLMSG_NEXT(it, length)) {
                messages++;
                on_message(it);
            }
        }
    }
}

static void watch(int is_whole, int is_echoing) {
    struct pollfd both[] = { { .fd = notifications, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
    char line[64];
    for (;;) {
        while (poll(both, 2, -1) < 0 && errno == EINTR) {}
        if (both[0].revents) {
            read_all(&is_whole);
            settled = now();
            if (is_echoing) { printf("at %lld\n", settled); fflush(stdout); }
        } else if (both[1].revents) {
            if (read(0, line, sizeof line) <= 0) return;
            say_state();
        }
    }
}

static int add_change(char *at, int is_add, unsigned index, unsigned address) {
    struct { struct nlmsghdr header; struct ifaddrmsg about; struct rtattr kind; unsigned value; } *it = (void *)at;
    memset(it, 0, sizeof *it);
    it->header.nlmsg_len = sizeof *it;
    it->header.nlmsg_type = is_add ? RTM_NEWADDR : RTM_DELADDR;
    it->header.nlmsg_flags = NLM_F_REQUEST | (is_add ? NLM_F_CREATE | NLM_F_EXCL : 0);
    it->about = (struct ifaddrmsg){ .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = index };
    it->kind = (struct rtattr){ .rta_type = IFA_LOCAL, .rta_len = RTA_LENGTH(4) };
    it->value = htonl(address);
    return sizeof *it;
}

// Each link keeps four addresses: one is added, then the one that was added four rounds before is deleted.
static int storm(double seconds, unsigned per_second, unsigned round, int count, char **indexes) {
    int fd = open_socket();
    unsigned long change = 0, changes = 0, refused = 0, kept = 4UL * count;
    long long began = now(), end = began + seconds * 1e9, tick = began;
    while (tick < end) {
        int length = 0;
        for (unsigned i = 0; i < per_second / 1000; i++, change++) {
            unsigned long turn = change / 2, base = 0x0a000000UL + ((round % 64UL) << 18);
            int is_add = change % 2 == 0;
            if (!is_add && turn < kept) continue;
            if (!is_add) turn -= kept;
            changes++;
            length += add_change(buffer + length, is_add, atoi(indexes[turn % count]), base + turn);
        }
        check(send(fd, buffer, length, 0), "send");
        settled = now();
        for (;;) {
            char answer[4096];
            if (recv(fd, answer, sizeof answer, 0) < 0) break;
            refused++;
        }
        // Who is late catches up a little: the rate is an upper bound.
        tick += 1000000;
        if (tick < settled - 50000000) tick = settled - 50000000;
        struct timespec until = { tick / 1000000000, tick % 1000000000 };
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {}
    }
    printf("last %lld\nchanges %lu\nrefused %lu\nnanoseconds %lld\n", settled, changes, refused, settled - began);
    return 0;
}

static int change(int is_add, unsigned index, unsigned number) {
    int fd = open_socket(), length = add_change(buffer, is_add, index, 0x0b000000 + number);
    long long began = now();
    check(send(fd, buffer, length, 0), "send");
    printf("%lld\n", began);
    return 0;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    if (!strcmp(what, "storm"))
        return count > 5 ? storm(atof(words[2]), atoi(words[3]), atoi(words[4]), count - 5, words + 5) : 2;
    if (!strcmp(what, "change"))
        return count > 4 ? change(!strcmp(words[2], "add"), atoi(words[3]), atoi(words[4])) : 2;
    open_sockets();
    long long began = now();
    int is_whole = resync();
    if (!strcmp(what, "state")) {
        while (!is_whole) is_whole = resync();
        say_state();
        return 0;
    }
    settled = now();
    printf("ready %lu %lu %lld\n", rows[0], rows[1], settled - began);
    fflush(stdout);
    if (!strcmp(what, "watch")) {
        watch(is_whole, count > 2);
    } else {
        struct pollfd one = { .fd = notifications, .events = POLLIN };
        while (poll(&one, 1, -1) < 0 || recv(notifications, buffer, sizeof buffer, 0) >= 0 || errno == EAGAIN) {}
    }
    return 0;
}
