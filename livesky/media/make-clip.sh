#!/bin/sh
# Makes clip.ts, the 30 s film that `livesky demo` streams and the tests decode: hills under a moving sun, a frame
# counter and a clock, soft notes; 640x360, 25 frames/s, about 400 kbit/s in all, closed 1 s GOP with B-frames.
# The picture repeats after exactly 30 s, so that it loops without a visible seam.
#
# Needs ffmpeg with libx264 and the font DejaVu Sans (Debian: apt-get install ffmpeg fonts-dejavu-core).
# Takes a few minutes: every pixel is an expression. Another release of x264 may give other bytes.
set -eu
here=$(dirname "$0")
out=${1:-$here/clip.ts}
fonts=${FONTS:-/usr/share/fonts/truetype/dejavu}
bold=$fonts/DejaVuSans-Bold.ttf
mono=$fonts/DejaVuSansMono-Bold.ttf
for font in "$bold" "$mono"; do
    [ -f "$font" ] || { echo "make-clip.sh: no font $font: install fonts-dejavu-core or set FONTS" >&2; exit 1; }
done

# st(0..2): skylines of the far, middle and near hills. A layer moves at v px/s; each wave length divides 30 v.
w='2*PI'
skyline="st(0,228+16*sin($w*(X+8*T)/240)+7*sin($w*(X+8*T)/80+1))\
+0*st(1,268+20*sin($w*(X+24*T)/360+2)+6*sin($w*(X+24*T)/90))\
+0*st(2,312+16*sin($w*(X+60*T)/600)+8*sin($w*(X+60*T)/200+1))"
# st(3): distance from the sun, which circles once; st(4): 1 where clouds are thick; st(5): 0 at the top, 1 at the horizon.
sky="st(3,hypot(X-320-230*cos($w*T/30),Y-150+70*sin($w*T/30)))\
+0*st(4,min(1,exp(-pow((mod(X+40*T,1200)-300)/90,2)-pow((Y-80)/16,2))+exp(-pow((mod(X+40*T,1200)-380)/60,2)-pow((Y-66)/18,2))\
+exp(-pow((mod(X+20*T+260,600)-260)/70,2)-pow((Y-128)/10,2))))\
+0*st(5,min(1,Y/250))"
# One colour of the picture: near hill, middle hill, far hill, sun disc, sky with glow and clouds.
channel() { # near middle far sun sky_top sky_horizon glow
    echo "0*($skyline)+0*($sky)+if(gt(Y,ld(2)),$1,if(gt(Y,ld(1)),$2,if(gt(Y,ld(0)),$3,if(lt(ld(3),24),$4,\
min(255,(1-0.7*ld(4))*($5+($6-$5)*ld(5)+$7*exp(-ld(3)/70))+0.7*ld(4)*245)))))"
}
red=$(channel 24 44 78 255 38 250 90)
green=$(channel 44 74 104 236 84 186 70)
blue=$(channel 52 88 132 170 170 140 10)

text="drawtext=fontfile=$bold:text='LiveSky':fontsize=64:fontcolor=white:shadowcolor=black@0.45:shadowx=2:shadowy=3:x=(w-tw)/2:y=96,\
drawtext=fontfile=$bold:text='live video, carried by its viewers':fontsize=18:fontcolor=white@0.92:shadowcolor=black@0.45:shadowx=1:shadowy=1:x=(w-tw)/2:y=172,\
drawtext=fontfile=$mono:text='frame %{eif\:n\:d\:3}':fontsize=26:fontcolor=white:box=1:boxcolor=black@0.55:boxborderw=8:x=24:y=h-48,\
drawtext=fontfile=$mono:text='%{pts\:hms}':fontsize=26:fontcolor=white:box=1:boxcolor=black@0.55:boxborderw=8:x=w-tw-24:y=h-48"

# A note of a pentatonic scale each second over a quiet drone of two tones; 1,405 AAC frames and the encoder's priming one
# end just before 30 s.
note='196*pow(2,(mod(floor(t)*5,12)-mod(mod(floor(t)*5,12),2)+eq(mod(floor(t),3),0)*3)/12)'
sound="0.16*exp(-3*mod(t,1))*min(1,40*mod(t,1))*(sin(2*PI*$note*t)+0.4*sin(4*PI*$note*t))+0.03*sin(2*PI*98*t)+0.03*sin(2*PI*147*t)"

ffmpeg -hide_banner -loglevel warning -y \
    -f lavfi -i "nullsrc=size=640x360:rate=25:duration=30,format=gbrp,geq=r='$red':g='$green':b='$blue',$text,format=yuv420p" \
    -f lavfi -i "aevalsrc='$sound':sample_rate=48000:channel_layout=mono,atrim=end_sample=1438720" \
    -map 0:v -map 1:a -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
    -c:v libx264 -profile:v main -preset slow -threads 1 \
    -x264-params keyint=25:min-keyint=25:scenecut=0:open-gop=0:bframes=2:b-adapt=0 \
    -b:v "${VIDEO_RATE:-238k}" -maxrate 450k -bufsize 400k \
    -c:a aac -b:a 48k \
    -f mpegts -mpegts_flags +resend_headers+pat_pmt_at_frames -pat_period 20 -sdt_period 20 -pes_payload_size 700 \
    -metadata service_provider=LiveSky -metadata service_name=LiveSky \
    "$out"
