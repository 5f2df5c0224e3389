#define PREFIX "/usr/local"
#define SYSCONFDIR "/usr/local/etc"
#define LOCALSTATEDIR "/usr/local/var"
