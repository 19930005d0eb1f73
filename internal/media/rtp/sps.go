package rtp

// spsSize reads the cropped picture size from a sequence parameter set without its NAL header
// (ITU-T H.264 section 7.3.2.1.1).
func spsSize(sps []byte) (width, height int, ok bool) {
	if len(sps) < 4 {
		return 0, 0, false
	}
	r := bitReader{data: sps[3:]}
	r.ue() // seq_parameter_set_id
	chroma := uint32(1)
	frameOnlyChroma := false
	switch sps[0] { // profiles that carry chroma_format_idc
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma = r.ue()
		if chroma == 3 {
			frameOnlyChroma = r.bit() == 1 // separate_colour_plane_flag
		}
		r.ue() // bit_depth_luma_minus8
		r.ue() // bit_depth_chroma_minus8
		r.bit()
		if r.bit() == 1 { // seq_scaling_matrix_present_flag
			r.scalingLists(chroma)
		}
	}
	r.ue()          // log2_max_frame_num_minus4
	switch r.ue() { // pic_order_cnt_type
	case 0:
		r.ue()
	case 1:
		r.bit()
		r.ue()
		r.ue()
		for range min(r.ue(), 255) {
			r.ue()
		}
	}
	r.ue() // max_num_ref_frames
	r.bit()
	widthMBs := r.ue() + 1
	heightUnits := r.ue() + 1
	frameMBsOnly := r.bit()
	if frameMBsOnly == 0 {
		r.bit()
	}
	r.bit() // direct_8x8_inference_flag
	var left, right, top, bottom uint32
	if r.bit() == 1 {
		left, right, top, bottom = r.ue(), r.ue(), r.ue(), r.ue()
	}
	const largest = 1 << 10 // macroblocks, either way: 16384 pixels
	if r.failed || widthMBs > largest || heightUnits > largest || left|right|top|bottom >= 1<<14 {
		return 0, 0, false
	}
	cropX, cropY := uint32(1), uint32(1)
	if !frameOnlyChroma {
		if chroma == 1 || chroma == 2 {
			cropX = 2
		}
		if chroma == 1 {
			cropY = 2
		}
	}
	fields := 2 - frameMBsOnly
	width = int(widthMBs*16) - int(cropX*(left+right))
	height = int(heightUnits*16*fields) - int(cropY*fields*(top+bottom))
	return width, height, width > 0 && height > 0
}

// bitReader reads the bits of a NAL unit, without the emulation prevention bytes (H.264 section 7.4.1).
// After the end it returns zeros and failed is set.
type bitReader struct {
	data   []byte
	at     int // bit of data[0]
	zeros  int // zero bytes before data[0]
	failed bool
}

func (r *bitReader) bit() uint32 {
	if r.at == 0 && r.zeros >= 2 && len(r.data) > 0 && r.data[0] == 3 {
		r.data, r.zeros = r.data[1:], 0
	}
	if len(r.data) == 0 {
		r.failed = true
		return 0
	}
	b := uint32(r.data[0]>>(7-r.at)) & 1
	if r.at++; r.at == 8 {
		if r.data[0] == 0 {
			r.zeros++
		} else {
			r.zeros = 0
		}
		r.data, r.at = r.data[1:], 0
	}
	return b
}

// ue reads an unsigned Exp-Golomb code (section 9.1).
func (r *bitReader) ue() uint32 {
	n := 0
	for r.bit() == 0 {
		if n++; n > 31 || r.failed {
			r.failed = true
			return 0
		}
	}
	v := uint32(1)
	for range n {
		v = v<<1 | r.bit()
	}
	return v - 1
}

// se reads a signed Exp-Golomb code (section 9.1.1).
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}

// scalingLists skips the lists of section 7.3.2.1.1.1.
func (r *bitReader) scalingLists(chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if r.bit() == 0 {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int32(8), int32(8)
		for range size {
			if next != 0 {
				next = (last + r.se() + 256) % 256
			}
			if next != 0 {
				last = next
			}
			if r.failed {
				return
			}
		}
	}
}
