//go:build !purego

#include "textflag.h"

// The accumulator of a block is R8 to R15, its limbs rotating by one register a
// row. Carries of low halves run through CF, those of high halves through OF.
// A saved carry is a mask of 0 or -1: adding it to itself brings CF back.
// MOVQ does not touch flags, but MOVQ $0 would: it assembles to an XOR.

// FIRST and REST add DX·(8 limbs at SI) to r0…r7. After FIRST the lowest limb of
// the sum stands in r0 and can be stored; REST puts the ninth limb there.
#define FIRST(r0, r1) \
	XORQ  BP, BP         \
	MULXQ 0(SI), AX, BX  \
	ADCXQ AX, r0         \
	ADOXQ BX, r1

#define REST(r0, r1, r2, r3, r4, r5, r6, r7) \
	MULXQ 8(SI), AX, BX  \
	ADCXQ AX, r1         \
	ADOXQ BX, r2         \
	MULXQ 16(SI), AX, BX \
	ADCXQ AX, r2         \
	ADOXQ BX, r3         \
	MULXQ 24(SI), AX, BX \
	ADCXQ AX, r3         \
	ADOXQ BX, r4         \
	MULXQ 32(SI), AX, BX \
	ADCXQ AX, r4         \
	ADOXQ BX, r5         \
	MULXQ 40(SI), AX, BX \
	ADCXQ AX, r5         \
	ADOXQ BX, r6         \
	MULXQ 48(SI), AX, BX \
	ADCXQ AX, r6         \
	ADOXQ BX, r7         \
	MULXQ 56(SI), AX, r0 \
	ADCXQ AX, r7         \
	ADOXQ BP, r0         \
	ADCXQ BP, r0

// ROW multiplies by the limb at off(CX) and stores the lowest limb at off(DI).
#define ROW(off, r0, r1, r2, r3, r4, r5, r6, r7) \
	MOVQ off(CX), DX \
	FIRST(r0, r1)    \
	MOVQ r0, off(DI) \
	REST(r0, r1, r2, r3, r4, r5, r6, r7)

// QUOTIENT multiplies by the lowest limb, which becomes 0, and stores that digit.
#define QUOTIENT(off, r0, r1, r2, r3, r4, r5, r6, r7) \
	MOVQ r0, DX      \
	MOVQ r0, off(CX) \
	FIRST(r0, r1)    \
	REST(r0, r1, r2, r3, r4, r5, r6, r7)

// EIGHT is 8 rows; they bring the accumulator back to its first order.
#define EIGHT(OP) \
	OP(0, R8, R9, R10, R11, R12, R13, R14, R15) \
	OP(8, R9, R10, R11, R12, R13, R14, R15, R8) \
	OP(16, R10, R11, R12, R13, R14, R15, R8, R9) \
	OP(24, R11, R12, R13, R14, R15, R8, R9, R10) \
	OP(32, R12, R13, R14, R15, R8, R9, R10, R11) \
	OP(40, R13, R14, R15, R8, R9, R10, R11, R12) \
	OP(48, R14, R15, R8, R9, R10, R11, R12, R13) \
	OP(56, R15, R8, R9, R10, R11, R12, R13, R14)

// BLOCK adds the 8 limbs at DI and the carry saved at mask to the accumulator and
// runs 8 rows; the low half of the result goes to DI, the high half stays.
#define BLOCK(mask) \
	MOVQ mask, AX    \
	ADDQ AX, AX      \
	ADCQ 0(DI), R8 \
	ADCQ 8(DI), R9 \
	ADCQ 16(DI), R10 \
	ADCQ 24(DI), R11 \
	ADCQ 32(DI), R12 \
	ADCQ 40(DI), R13 \
	ADCQ 48(DI), R14 \
	ADCQ 56(DI), R15 \
	SBBQ AX, AX      \
	MOVQ AX, mask    \
	EIGHT(ROW)

// func mulAddBlocks(t, x, y *uint64, n int)
TEXT ·mulAddBlocks(SB), NOSPLIT, $16-32
	MOVQ t+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), CX
	MOVQ n+24(FP), AX
	MOVQ AX, count-8(SP)
	XORQ AX, AX
	MOVQ AX, mask-16(SP)
	XORQ R8, R8
	XORQ R9, R9
	XORQ R10, R10
	XORQ R11, R11
	XORQ R12, R12
	XORQ R13, R13
	XORQ R14, R14
	XORQ R15, R15

loop:
	BLOCK(mask-16(SP))
	ADDQ $64, DI
	ADDQ $64, SI
	DECQ count-8(SP)
	JNZ  loop

	MOVQ mask-16(SP), AX
	ADDQ AX, AX
	ADCQ $0, R8
	ADCQ $0, R9
	ADCQ $0, R10
	ADCQ $0, R11
	ADCQ $0, R12
	ADCQ $0, R13
	ADCQ $0, R14
	ADCQ $0, R15
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	MOVQ R11, 24(DI)
	MOVQ R12, 32(DI)
	MOVQ R13, 40(DI)
	MOVQ R14, 48(DI)
	MOVQ R15, 56(DI)
	RET

// func reduceBlock(t *uint64, top uint64) uint64
TEXT ·reduceBlock(SB), NOSPLIT, $80-24
	MOVQ t+0(FP), DI
	LEAQ ·modulus(SB), SI
	LEAQ quotient-64(SP), CX
	MOVQ 0(DI), R8
	MOVQ 8(DI), R9
	MOVQ 16(DI), R10
	MOVQ 24(DI), R11
	MOVQ 32(DI), R12
	MOVQ 40(DI), R13
	MOVQ 48(DI), R14
	MOVQ 56(DI), R15
	EIGHT(QUOTIENT)
	MOVQ $5, AX
	MOVQ AX, count-72(SP)
	XORQ AX, AX
	MOVQ AX, mask-80(SP)

loop:
	ADDQ $64, DI
	ADDQ $64, SI
	BLOCK(mask-80(SP))
	DECQ count-72(SP)
	JNZ  loop

	// Both carries enter the lowest limb: one through CF, one through OF.
	MOVQ  mask-80(SP), AX
	MOVQ  top+8(FP), BX
	XORQ  BP, BP
	ADCXQ AX, AX
	ADOXQ BX, BX
	ADCXQ 64(DI), R8
	ADOXQ BP, R8
	MOVQ R8, 64(DI)
	ADCXQ 72(DI), R9
	ADOXQ BP, R9
	MOVQ R9, 72(DI)
	ADCXQ 80(DI), R10
	ADOXQ BP, R10
	MOVQ R10, 80(DI)
	ADCXQ 88(DI), R11
	ADOXQ BP, R11
	MOVQ R11, 88(DI)
	ADCXQ 96(DI), R12
	ADOXQ BP, R12
	MOVQ R12, 96(DI)
	ADCXQ 104(DI), R13
	ADOXQ BP, R13
	MOVQ R13, 104(DI)
	ADCXQ 112(DI), R14
	ADOXQ BP, R14
	MOVQ R14, 112(DI)
	ADCXQ 120(DI), R15
	ADOXQ BP, R15
	MOVQ R15, 120(DI)
	SETCS   AX
	SETOS   BX
	ORQ     BX, AX
	MOVBQZX AX, AX
	NEGQ    AX
	MOVQ    AX, ret+16(FP)
	RET

// func doubleAdd(t, d *uint64)
TEXT ·doubleAdd(SB), NOSPLIT, $0-16
	MOVQ t+0(FP), DI
	MOVQ d+8(FP), SI
	MOVQ $12, CX
	XORQ AX, AX

loop:
	MOVQ  0(DI), R8
	ADCXQ R8, R8
	ADOXQ 0(SI), R8
	MOVQ  R8, 0(DI)
	MOVQ  8(DI), R9
	ADCXQ R9, R9
	ADOXQ 8(SI), R9
	MOVQ  R9, 8(DI)
	MOVQ  16(DI), R10
	ADCXQ R10, R10
	ADOXQ 16(SI), R10
	MOVQ  R10, 16(DI)
	MOVQ  24(DI), R11
	ADCXQ R11, R11
	ADOXQ 24(SI), R11
	MOVQ  R11, 24(DI)
	MOVQ  32(DI), R8
	ADCXQ R8, R8
	ADOXQ 32(SI), R8
	MOVQ  R8, 32(DI)
	MOVQ  40(DI), R9
	ADCXQ R9, R9
	ADOXQ 40(SI), R9
	MOVQ  R9, 40(DI)
	MOVQ  48(DI), R10
	ADCXQ R10, R10
	ADOXQ 48(SI), R10
	MOVQ  R10, 48(DI)
	MOVQ  56(DI), R11
	ADCXQ R11, R11
	ADOXQ 56(SI), R11
	MOVQ  R11, 56(DI)
	LEAQ  64(DI), DI
	LEAQ  64(SI), SI
	LEAQ  -1(CX), CX
	JCXZQ done
	JMP   loop

done:
	RET
