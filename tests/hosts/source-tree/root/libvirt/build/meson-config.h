#define PACKAGE_VERSION "9.0.0"
#define WITH_LXC 1
#define WITH_QEMU 1
