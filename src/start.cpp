// Where the static program begins. The C library relocates it at once, which writes to every page of its constant data:
// hundreds of page faults one by one, in each of its processes. One call makes those pages before (Linux 5.14; an older
// kernel refuses it, and the faults come as ever). Then on to the C library's own start, with registers and stack as
// the kernel left them.
#if defined(__x86_64__)

asm(R"(
    .section .text.diatom_start, "ax", @progbits
    .globl diatom_start
    .type diatom_start, @function
diatom_start:
    .cfi_startproc
    .cfi_undefined rip
    mov %rdx, %r8
    lea __init_array_start(%rip), %rdi
    and $-4096, %rdi
    lea __data_start(%rip), %rsi
    and $-4096, %rsi
    sub %rdi, %rsi
    mov $23, %edx              # MADV_POPULATE_WRITE
    mov $28, %eax              # madvise
    syscall
    mov %r8, %rdx
    jmp _start
    .cfi_endproc
    .size diatom_start, . - diatom_start
)");

#endif
