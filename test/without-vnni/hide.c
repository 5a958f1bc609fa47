/* Answers the cpuid instructions that run.sh made illegal, without the features that are to be hidden. Preloaded. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define BIT(n) (1u << (n))

static int keep_avx512;

static void answer(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *at = (const unsigned char *)registers[REG_RIP];
  if (at[0] != 0x0f || at[1] != 0x0b) {
    /* Not one of ours: it comes again, and ends the process as it would have. */
    signal(SIGILL, SIG_DFL);
    return;
  }
  unsigned leaf = registers[REG_RAX], part = registers[REG_RCX];
  unsigned a = leaf, b, c = part, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  if (leaf == 7 && part == 0) {
    c &= ~BIT(11);                        /* AVX512_VNNI */
    d &= ~(BIT(22) | BIT(24) | BIT(25));  /* AMX */
    if (!keep_avx512) {
      b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
      c &= ~(BIT(1) | BIT(6) | BIT(12) | BIT(14));
      d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(23));
    }
  }
  if (leaf == 7 && part == 1) {
    a &= ~(BIT(4) | BIT(5)); /* AVX_VNNI, AVX512_BF16 */
    d &= ~(BIT(4) | BIT(10)); /* AVX_VNNI_INT8, AVX_VNNI_INT16 */
  }
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void install(void) {
  const char *keep = getenv("KEEP_AVX512");
  keep_avx512 = keep && !strcmp(keep, "1");
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = answer;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, NULL);
}
