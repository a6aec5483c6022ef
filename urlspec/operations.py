"""One method an argument. Written by ``origin docs`` from the declarations; do not edit."""

# fmt: off
from __future__ import annotations

from typing import Any, Literal, Self

from urlspec import arguments, composing, outputs
from urlspec.declare import Argument
from urlspec.kinds import FocalPoint, PresetCall, TextRef
from urlspec.sources import SourceRef
from urlspec.values import Colour, Fraction, Ratio


class Operations:
    """Adds arguments to the current component."""

    def _add(self, kind: type[Argument], **values: Any) -> Self:
        raise NotImplementedError

    def preset(self, call: PresetCall | str) -> Self:
        """Named chain of the server's preset file, with its arguments.

        call: <name>[:<argument>…] of a preset of this server, at most 9 arguments.

        Written ``t_<call>``, for example ``t_card``.
        """
        return self._add(composing.Preset, call=call)

    def layer(self, source: SourceRef | TextRef | str) -> Self:
        """Lay a picture or a text over the picture; of an animation its first frame. A text breaks its lines
        at `w_`, ends in `…` where `h_` ends, and `shrink` makes it as small as that box needs (with `w_`
        alone, no line breaks); `stroke` draws its outline, whose width and colour `bo_` says; spacing is
        in pixels.

        source: an id, @name:key, or text:<family>_<size>[_<style>…]:<text>.

        Written ``l_<source>``, for example ``l_text:DejaVu%20Sans_32_bold:Hello,co_white,g_south,y_10``.
        """
        return self._add(composing.Layer, source=source)

    def underlay(self, source: SourceRef | TextRef | str) -> Self:
        """Lay a picture under the picture, where it shows through.

        source: an id, @name:key, or text:<family>_<size>[_<style>…]:<text>.

        Written ``u_<source>``, for example ``w_300,rad_60/u_placeholder,c_fill,w_1.0,h_1.0``.
        """
        return self._add(composing.Underlay, source=source)

    def text_colour(self, colour: Colour | str) -> Self:
        """Colour of a text layer; black where nothing is said.

        colour: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.

        Written ``co_<colour>``, for example ``l_text:DejaVu%20Sans_32:Hello,co_red``.
        """
        return self._add(composing.TextColour, colour=colour)

    def layer_apply(self) -> Self:
        """Close the nearest open layer: the components between shaped it, this one places it.

        Written ``fl_layer_apply``, for example ``l_logo/w_80,r_90/fl_layer_apply,g_north_west``.
        """
        return self._add(composing.LayerApply)

    def rotate(
        self,
        turn: Literal["90", "180", "270", "auto", "ignore", "-90", "-180", "-270"] | int,
    ) -> Self:
        """Right-angle turn, clockwise; `ignore` leaves the EXIF orientation unapplied (first component
        only).

        turn: one of 90 180 270 auto ignore.

        Written ``r_<turn>``, for example ``r_90``.
        """
        return self._add(arguments.Rotate, turn=turn)

    def flip(self, axes: Literal["h", "v", "hv", "vh"]) -> Self:
        """Mirror: `h` left to right, `v` top to bottom, `hv` both.

        axes: one of h v hv.

        Written ``flip_<axes>``, for example ``flip_h``.
        """
        return self._add(arguments.Flip, axes=axes)

    def trim(self, tolerance: int = 10, colour: Colour | str | None = None) -> Self:
        """Cut away a border of one colour (the top left pixel's, unless given), or transparent edges.

        tolerance: an integer from 0 to 100.
        colour: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.

        Written ``e_trim[:<tolerance>[:<colour>]]``, for example ``e_trim:10``.
        """
        return self._add(arguments.Trim, tolerance=tolerance, colour=colour)

    def crop(
        self,
        mode: Literal["limit", "fit", "mfit", "scale", "fill", "lfill", "fill_pad", "pad", "lpad", "mpad",
            "crop", "thumb", "auto", "auto_pad"],
    ) -> Self:
        """How the picture gets its size: `limit` fits inside and never enlarges, `fit` fits inside, `mfit`
        the same and never shrinks, `scale` stretches, `fill` covers and cuts, `lfill` the same without
        enlarging, `fill_pad` cuts at most a third of a side (and no face that `g_` names) and fills up
        the rest, `pad` fits and fills up, `lpad` the same without enlarging, `mpad` fills up without
        resizing, `crop` cuts a region, `thumb` fills after zooming by `z_`, `auto` the same but never
        closer than the picture's own pixels, `auto_pad` the same but pads as `fill_pad` does. The last
        two and `fill_pad` look for the place themselves (`g_auto`).

        mode: one of limit fit mfit scale fill lfill fill_pad pad lpad mpad crop thumb auto auto_pad.

        Written ``c_<mode>``, for example ``c_fill,w_400,h_300``.
        """
        return self._add(arguments.Crop, mode=mode)

    def width(self, value: int | float | Fraction | str) -> Self:
        """Width of the result: whole pixels, a fraction of the picture, or `auto` (client hint).

        value: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10), or auto.

        Written ``w_<value>``, for example ``w_300``.
        """
        return self._add(arguments.Width, value=value)

    def height(self, value: int | float | Fraction | str) -> Self:
        """Height of the result: whole pixels, or a fraction of the picture.

        value: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10), or auto.

        Written ``h_<value>``, for example ``h_200``.
        """
        return self._add(arguments.Height, value=value)

    def aspect_ratio(self, value: Ratio | float | str) -> Self:
        """Ratio of width to height; with one side it gives the other.

        value: a ratio of width to height such as 16:9 or 1.5, from 0.01 to 100.

        Written ``ar_<value>``, for example ``c_fill,ar_16:9,w_640``.
        """
        return self._add(arguments.AspectRatio, value=value)

    def min_width(self, value: int | float | Fraction | str) -> Self:
        """Least width: where the result would be narrower it is enlarged, and what then lies outside `w_ h_`
        is cut.

        value: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10).

        Written ``mw_<value>``, for example ``w_200,h_60,mw_200``.
        """
        return self._add(arguments.MinWidth, value=value)

    def min_height(self, value: int | float | Fraction | str) -> Self:
        """Least height: where the result would be lower it is enlarged, and what then lies outside `w_ h_`
        is cut.

        value: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10).

        Written ``mh_<value>``, for example ``w_100,h_200,mh_200``.
        """
        return self._add(arguments.MinHeight, value=value)

    def gravity(self, value: FocalPoint | str) -> Self:
        """What a crop keeps, where padding or a layer goes: compass words, `auto` (attention), `entropy`,
        `face` (the largest) or `faces` (all; `g_auto` where there are none), `focus` (stored with the
        asset), `fp:<x>:<y>`, or `xy_center` (the point `x_ y_`).

        value: one of north_west north north_east west center east south_west south south_east auto
            entropy xy_center focus face faces, or fp:<x>:<y> with fractions from 0 to 1.

        Written ``g_<value>``, for example ``c_fill,w_300,h_300,g_auto``.
        """
        return self._add(arguments.Gravity, value=value)

    def x(self, value: int | float | Fraction | str) -> Self:
        """Horizontal offset, in pixels or as a fraction; inwards from the edge that gravity names.

        value: pixels (-65535 to 65535) or a fraction such as 0.5 (from -10, at most 10).

        Written ``x_<value>``, for example ``c_crop,w_200,h_200,x_50,y_20``.
        """
        return self._add(arguments.X, value=value)

    def y(self, value: int | float | Fraction | str) -> Self:
        """Vertical offset, in pixels or as a fraction; inwards from the edge that gravity names.

        value: pixels (-65535 to 65535) or a fraction such as 0.5 (from -10, at most 10).

        Written ``y_<value>``, for example ``c_crop,w_200,h_200,g_south,y_10``.
        """
        return self._add(arguments.Y, value=value)

    def zoom(self, factor: float) -> Self:
        """Zoom of `c_thumb` and `c_auto`: 2 shows half as much of the picture. With `g_face` the face takes
        up half of the side at 1.

        factor: a number from 0.1 to 10.

        Written ``z_<factor>``, for example ``c_thumb,w_200,h_200,z_1.5``.
        """
        return self._add(arguments.Zoom, factor=factor)

    def dpr(self, factor: float | str) -> Self:
        """Device pixel ratio: multiplies every length given in pixels; `auto` reads the client hint.

        factor: a number from 0.1 to 10, or auto.

        Written ``dpr_<factor>``, for example ``w_200,dpr_2``.
        """
        return self._add(arguments.Dpr, factor=factor)

    def angle(self, degrees: float | str) -> Self:
        """Turn by any angle, clockwise; the corners become transparent. `hflip` and `vflip` mirror.

        degrees: degrees clockwise from -360 to 360, or hflip or vflip.

        Written ``a_<degrees>``, for example ``w_300,a_20``.
        """
        return self._add(arguments.Angle, degrees=degrees)

    def auto_brightness(self, amount: int = 100) -> Self:
        """Lift or lower the middle tones towards middle grey; 0 changes nothing.

        amount: an integer from 0 to 100.

        Written ``e_auto_brightness[:<amount>]``, for example ``e_auto_brightness``.
        """
        return self._add(arguments.AutoBrightness, amount=amount)

    def auto_color(self, amount: int = 100) -> Self:
        """Take a colour cast away: black, white and the middle become neutral; 0 changes nothing.

        amount: an integer from 0 to 100.

        Written ``e_auto_color[:<amount>]``, for example ``e_auto_color``.
        """
        return self._add(arguments.AutoColour, amount=amount)

    def auto_contrast(self, amount: int = 100) -> Self:
        """Stretch the tones from black to white, colours kept; 0 changes nothing.

        amount: an integer from 0 to 100.

        Written ``e_auto_contrast[:<amount>]``, for example ``e_auto_contrast``.
        """
        return self._add(arguments.AutoContrast, amount=amount)

    def enhance(self, amount: int = 100) -> Self:
        """Automatic tones, some neutral balance, and a little more contrast and colour; 0 changes nothing.

        amount: an integer from 0 to 100.

        Written ``e_enhance[:<amount>]``, for example ``e_enhance``.
        """
        return self._add(arguments.Enhance, amount=amount)

    def brightness(self, amount: int) -> Self:
        """Brighter or darker; 0 changes nothing.

        amount: an integer from -100 to 100.

        Written ``e_brightness:<amount>``, for example ``e_brightness:20``.
        """
        return self._add(arguments.Brightness, amount=amount)

    def contrast(self, amount: int) -> Self:
        """More or less contrast around middle grey; 0 changes nothing.

        amount: an integer from -100 to 100.

        Written ``e_contrast:<amount>``, for example ``e_contrast:30``.
        """
        return self._add(arguments.Contrast, amount=amount)

    def gamma(self, exponent: float) -> Self:
        """Exponent of the tone curve: above 1 lightens the middle tones; 1 changes nothing.

        exponent: a number from 0.1 to 10.

        Written ``e_gamma:<exponent>``, for example ``e_gamma:1.5``.
        """
        return self._add(arguments.Gamma, exponent=exponent)

    def saturation(self, amount: int) -> Self:
        """More or less colour; -100 is grey, 0 changes nothing.

        amount: an integer from -100 to 100.

        Written ``e_saturation:<amount>``, for example ``e_saturation:40``.
        """
        return self._add(arguments.Saturation, amount=amount)

    def hue(self, degrees: int) -> Self:
        """Turn every hue around the colour wheel; 0 changes nothing.

        degrees: an integer from -360 to 360.

        Written ``e_hue:<degrees>``, for example ``e_hue:120``.
        """
        return self._add(arguments.Hue, degrees=degrees)

    def tint(self, amount: int, colour: Colour | str) -> Self:
        """A wash of one colour over everything; 0 changes nothing, 100 leaves the colour alone.

        amount: an integer from 0 to 100.
        colour: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.

        Written ``e_tint:<amount>:<colour>``, for example ``e_tint:40:navy``.
        """
        return self._add(arguments.Tint, amount=amount, colour=colour)

    def grayscale(self) -> Self:
        """Take all colour away.

        Written ``e_grayscale``, for example ``e_grayscale``.
        """
        return self._add(arguments.Grayscale)

    def sepia(self, amount: int = 80) -> Self:
        """Brown tones of an old print; 0 changes nothing.

        amount: an integer from 0 to 100.

        Written ``e_sepia[:<amount>]``, for example ``e_sepia``.
        """
        return self._add(arguments.Sepia, amount=amount)

    def monochrome(self, colour: Colour | str, amount: int = 100) -> Self:
        """Shades of one colour, from black over the colour to white; amount 0 changes nothing.

        colour: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.
        amount: an integer from 0 to 100.

        Written ``e_monochrome:<colour>[:<amount>]``, for example ``e_monochrome:teal``.
        """
        return self._add(arguments.Monochrome, colour=colour, amount=amount)

    def duotone(self, dark: Colour | str, light: Colour | str, amount: int = 100) -> Self:
        """Two inks: dark tones take the first colour, light ones the second; amount 0 changes nothing.

        dark: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.
        light: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.
        amount: an integer from 0 to 100.

        Written ``e_duotone:<dark>:<light>[:<amount>]``, for example ``e_duotone:midnightblue:gold``.
        """
        return self._add(arguments.Duotone, dark=dark, light=light, amount=amount)

    def blackwhite(self, threshold: int = 50) -> Self:
        """Black and white only: white is what is at least as light as the threshold.

        threshold: an integer from 0 to 100.

        Written ``e_blackwhite[:<threshold>]``, for example ``e_blackwhite:40``.
        """
        return self._add(arguments.BlackWhite, threshold=threshold)

    def negate(self) -> Self:
        """Every colour becomes its complement.

        Written ``e_negate``, for example ``e_negate``.
        """
        return self._add(arguments.Negate)

    def colorblind_assist(
        self,
        deficiency: Literal["deuteranopia", "protanopia", "tritanopia"] = 'deuteranopia',
    ) -> Self:
        """Shift the colours that someone colour-blind confuses to where they can be told apart.

        deficiency: one of deuteranopia protanopia tritanopia.

        Written ``e_colorblind_assist[:<deficiency>]``, for example ``e_colorblind_assist``.
        """
        return self._add(arguments.ColorblindAssist, deficiency=deficiency)

    def colorblind(
        self,
        deficiency: Literal["deuteranopia", "protanopia", "tritanopia", "deuteranomaly", "protanomaly",
            "tritanomaly", "achromatopsia"] = 'deuteranopia',
    ) -> Self:
        """How the picture looks to someone who sees no (…anopia) or little (…anomaly) green, red or blue.

        deficiency: one of deuteranopia protanopia tritanopia deuteranomaly protanomaly tritanomaly
            achromatopsia.

        Written ``e_colorblind[:<deficiency>]``, for example ``e_colorblind:protanopia``.
        """
        return self._add(arguments.Colorblind, deficiency=deficiency)

    def denoise(self, strength: int = 30) -> Self:
        """Smooth noise away and keep edges; 0 changes nothing.

        strength: an integer from 0 to 100.

        Written ``e_denoise[:<strength>]``, for example ``e_denoise:30``.
        """
        return self._add(arguments.Denoise, strength=strength)

    def blur(self, sigma: float) -> Self:
        """Gaussian blur; 0 changes nothing.

        sigma: a number from 0 to 200 pixels.

        Written ``e_blur:<sigma>``, for example ``e_blur:3``.
        """
        return self._add(arguments.Blur, sigma=sigma)

    def sharpen(self, sigma: float = 0.8, strength: float = 1.0) -> Self:
        """Unsharp mask on lightness; strength 0 changes nothing.

        sigma: a number from 0.1 to 10 pixels.
        strength: a number from 0 to 10.

        Written ``e_sharpen[:<sigma>[:<strength>]]``, for example ``e_sharpen``.
        """
        return self._add(arguments.Sharpen, sigma=sigma, strength=strength)

    def unsharp(self, sigma: float = 1.0, amount: int = 100, threshold: int = 0) -> Self:
        """Unsharp mask on every colour: adds what a blur takes away, where it is at least the threshold;
        amount 0 changes nothing.

        sigma: a number from 0.1 to 100 pixels.
        amount: an integer from 0 to 500.
        threshold: an integer from 0 to 255.

        Written ``e_unsharp[:<sigma>[:<amount>[:<threshold>]]]``, for example ``e_unsharp:2:120:3``.
        """
        return self._add(arguments.Unsharp, sigma=sigma, amount=amount, threshold=threshold)

    def pixelate(self, block: int = 5) -> Self:
        """Blocks of one colour; 0 and 1 change nothing.

        block: an integer from 0 to 1000 pixels.

        Written ``e_pixelate[:<block>]``, for example ``e_pixelate:8``.
        """
        return self._add(arguments.Pixelate, block=block)

    def blur_region(
        self,
        left: int | float | Fraction | str,
        top: int | float | Fraction | str,
        width: int | float | Fraction | str,
        height: int | float | Fraction | str,
        sigma: float = 20.0,
    ) -> Self:
        """Blur a rectangle of the picture; it is cut to the picture, and may not lie wholly outside.

        left: pixels (0 to 65535) or a fraction such as 0.5 (from 0, at most 10).
        top: pixels (0 to 65535) or a fraction such as 0.5 (from 0, at most 10).
        width: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10).
        height: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10).
        sigma: a number from 0 to 200 pixels.

        Written ``e_blur_region:<left>:<top>:<width>:<height>[:<sigma>]``, for example
            ``e_blur_region:0.25:0.25:0.5:0.5``.
        """
        return self._add(
            arguments.BlurRegion,
            left=left,
            top=top,
            width=width,
            height=height,
            sigma=sigma,
        )

    def pixelate_region(
        self,
        left: int | float | Fraction | str,
        top: int | float | Fraction | str,
        width: int | float | Fraction | str,
        height: int | float | Fraction | str,
        block: int = 16,
    ) -> Self:
        """Blocks of one colour in a rectangle; it is cut to the picture, and may not lie wholly outside.

        left: pixels (0 to 65535) or a fraction such as 0.5 (from 0, at most 10).
        top: pixels (0 to 65535) or a fraction such as 0.5 (from 0, at most 10).
        width: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10).
        height: pixels (1 to 65535) or a fraction such as 0.5 (above 0, at most 10).
        block: an integer from 0 to 1000 pixels.

        Written ``e_pixelate_region:<left>:<top>:<width>:<height>[:<block>]``, for example
            ``e_pixelate_region:0.25:0.25:0.5:0.5:12``.
        """
        return self._add(
            arguments.PixelateRegion,
            left=left,
            top=top,
            width=width,
            height=height,
            block=block,
        )

    def vignette(self, amount: int = 40) -> Self:
        """Darken towards the corners; 0 changes nothing.

        amount: an integer from 0 to 100.

        Written ``e_vignette[:<amount>]``, for example ``e_vignette:60``.
        """
        return self._add(arguments.Vignette, amount=amount)

    def gradient(
        self,
        colour: Colour | str,
        amount: int = 80,
        direction: float | str = 180.0,
        start: int = 40,
    ) -> Self:
        """A colour that sets in on the way and grows to the far edge, as behind a caption; amount 0 changes
        nothing.

        colour: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.
        amount: an integer from 0 to 100.
        direction: up, right, down, left, or degrees clockwise from upwards (0 to 360).
        start: an integer from 0 to 99.

        Written ``e_gradient:<colour>[:<amount>[:<direction>[:<start>]]]``, for example
            ``e_gradient:black:80``.
        """
        return self._add(
            arguments.GradientOverlay,
            colour=colour,
            amount=amount,
            direction=direction,
            start=start,
        )

    def fade(self, part: int = 30, direction: float | str = 180.0) -> Self:
        """The picture becomes transparent over the last part of the way to one edge; 0 changes nothing.

        part: an integer from 0 to 100.
        direction: up, right, down, left, or degrees clockwise from upwards (0 to 360).

        Written ``e_fade[:<part>[:<direction>]]``, for example ``e_fade:50``.
        """
        return self._add(arguments.Fade, part=part, direction=direction)

    def corner_radius(self, radii: int | str | tuple[int, ...]) -> Self:
        """Rounded, transparent corners; `max` makes an ellipse.

        radii: pixels (1 value for all corners, or 2 to 4 as in CSS: tl:tr:br:bl), or max.

        Written ``rad_<radii>``, for example ``c_fill,w_200,h_200,rad_20``.
        """
        return self._add(arguments.CornerRadius, radii=radii)

    def mask(
        self,
        shape: Literal["circle", "triangle", "diamond", "pentagon", "hexagon", "octagon", "star",
            "heart"],
    ) -> Self:
        """Cut the picture to a shape, the largest that fits in its middle; the rest becomes transparent.

        shape: one of circle triangle diamond pentagon hexagon octagon star heart.

        Written ``mask_<shape>``, for example ``c_fill,w_200,h_200,mask_hexagon``.
        """
        return self._add(arguments.Mask, shape=shape)

    def shadow(
        self,
        x: int = 0,
        y: int = 8,
        blur: int = 24,
        colour: Colour | str = Colour(red=0, green=0, blue=0, alpha=255),
        opacity: int = 40,
    ) -> Self:
        """Shadow of the picture's outline, for which room is made; what is added outside comes after it.

        x: an integer from -1000 to 1000 pixels.
        y: an integer from -1000 to 1000 pixels.
        blur: an integer from 0 to 400 pixels.
        colour: a CSS colour name or rgb:RRGGBB or rgb:RRGGBBAA.
        opacity: an integer from 0 to 100.

        Written ``e_shadow[:<x>[:<y>[:<blur>[:<colour>[:<opacity>]]]]]``, for example
            ``w_200,rad_20,e_shadow``.
        """
        return self._add(arguments.Shadow, x=x, y=y, blur=blur, colour=colour, opacity=opacity)

    def padding(self, sides: int | str | tuple[int | Fraction, ...]) -> Self:
        """Space added outside the picture, filled with `b_`: top, right, bottom, left.

        sides: 1 to 4 lengths, top:right:bottom:left as in CSS, each in pixels or a fraction such as 0.1.

        Written ``pad_<sides>``, for example ``w_200,pad_20:10``.
        """
        return self._add(arguments.Padding, sides=sides)

    def border(self, value: str) -> Self:
        """A border added outside the picture and its padding; it follows `rad_` where no padding lies
        between.

        value: <width>px_solid_<colour>, for example 4px_solid_red or 4px_solid_rgb:ff0000; or the width
            as a fraction of the shorter side, for example 0.02_solid_red.

        Written ``bo_<value>``, for example ``w_200,bo_10px_solid_red``.
        """
        return self._add(arguments.Border, value=value)

    def background(self, fill: Colour | str) -> Self:
        """What shows through: in padding, behind alpha, beside a turned picture. White where nothing is
        said.

        fill: a CSS colour name, rgb:RRGGBB, rgb:RRGGBBAA,
            gradient:<colour>:<colour>[:<colour>…][:<direction>], auto[:border or predominant[_contrast or
            _gradient[:<direction>]]], or blurred[:<sigma px or auto>[:<brightness>]]; a direction is up,
            right, down, left or degrees.

        Written ``b_<fill>``, for example ``c_pad,w_300,h_300,b_rgb:336699``.
        """
        return self._add(arguments.Background, fill=fill)

    def opacity(self, percent: int) -> Self:
        """How opaque the picture or the layer is; 100 changes nothing.

        percent: an integer from 0 to 100.

        Written ``o_<percent>``, for example ``l_logo,w_80,g_south_east,x_10,y_10,o_60``.
        """
        return self._add(arguments.Opacity, percent=percent)

    def blend(
        self,
        mode: Literal["multiply", "screen", "overlay", "darken", "lighten", "color_dodge", "color_burn",
            "hard_light", "soft_light", "difference", "exclusion", "add", "linear_burn", "subtract",
            "color", "luminosity", "mask", "cut", "atop", "xor"],
    ) -> Self:
        """How a layer mixes with the picture. `color` takes the layer's colour, `luminosity` its lightness;
        `mask` keeps only what the layer covers, `cut` what it does not, `xor` what one of both covers,
        and `atop` lays the layer only where the picture is.

        mode: one of multiply screen overlay darken lighten color_dodge color_burn hard_light soft_light
            difference exclusion add linear_burn subtract color luminosity mask cut atop xor.

        Written ``e_<blend>``, for example ``l_logo,w_0.5,e_multiply``.
        """
        return self._add(arguments.Blend, mode=mode)

    def tiled(self) -> Self:
        """Repeat the layer over the whole picture; `x_` and `y_` are the space between.

        Written ``fl_tiled``, for example ``l_logo,w_60,o_30,fl_tiled``.
        """
        return self._add(arguments.Tiled)

    def page(self, number: int) -> Self:
        """Page of a document or frame of an animation, counted from 1.

        number: an integer from 1 to 9999.

        Written ``pg_<number>``, for example ``pg_2``.
        """
        return self._add(outputs.Page, number=number)

    def density(self, dpi: int) -> Self:
        """Dots an inch at which a PDF (150 unless said) or an SVG (72) is measured and drawn; a picture that
        has pixels keeps them.

        dpi: an integer from 1 to 1200 dpi.

        Written ``dn_<dpi>``, for example ``pg_2,dn_300``.
        """
        return self._add(outputs.Density, dpi=dpi)

    def format(
        self,
        name: Literal["auto", "jpg", "png", "webp", "avif", "gif", "tiff", "png8", "json", "thumbhash",
            "blurhash", "datauri", "jpeg"],
    ) -> Self:
        """Output format. `auto` takes the best that the client names in `Accept` and that suits the picture;
        `png8` is a PNG of at most 256 colours; `json thumbhash blurhash datauri` describe the picture
        that the chain gives.

        name: one of auto jpg png webp avif gif tiff png8 json thumbhash blurhash datauri.

        Written ``f_<name>``, for example ``f_webp``.
        """
        return self._add(outputs.Format, name=name)

    def quality(self, value: int | str) -> Self:
        """Quality of lossy formats, with chroma subsampling. `auto` finds the number that makes every
        picture look alike, by grade. `lossless` writes WebP, AVIF or PNG without loss; `lossless:60` a
        WebP that is nearly so: the smaller the number, the smaller the file.

        value: 1 to 100, 80:444 or 80:420 (chroma subsampling), auto[:best|good|eco|low], or lossless[:1
            to 99].

        Written ``q_<value>``, for example ``q_80``.
        """
        return self._add(outputs.Quality, value=value)

    def max_bytes(self, bytes: int) -> Self:
        """The most bytes that the result may have; quality or the number of colours is lowered until it
        fits.

        bytes: an integer from 100 to 999999 bytes.

        Written ``mb_<bytes>``, for example ``f_jpg,mb_20000``.
        """
        return self._add(outputs.MaxBytes, bytes=bytes)

    def progressive(self) -> Self:
        """A JPEG or PNG that appears at once and sharpens while it loads.

        Written ``fl_progressive``, for example ``f_jpg,fl_progressive``.
        """
        return self._add(outputs.Progressive)

    def colour_space(self, name: Literal["srgb", "p3"]) -> Self:
        """Colours of the result: `srgb`, or `p3`, which keeps what a wide-gamut picture has beyond sRGB and
        says so in an ICC profile; pictures without such colours stay sRGB.

        name: one of srgb p3.

        Written ``cs_<name>``, for example ``cs_p3``.
        """
        return self._add(outputs.ColourSpace, name=name)

    def hdr(self, gain_map: Literal["keep", "off"]) -> Self:
        """Whether a JPEG made of an Ultra HDR photograph has its gain map: `keep` (default), or `off`.

        gain_map: one of keep off.

        Written ``hdr_<gain_map>``, for example ``hdr_off``.
        """
        return self._add(outputs.Hdr, gain_map=gain_map)

    def metadata(self, keep: Literal["none", "copyright", "all"]) -> Self:
        """What of EXIF, XMP and IPTC is kept. ICC profile and gain map are not metadata.

        keep: one of none copyright all.

        Written ``meta_<keep>``, for example ``meta_copyright``.
        """
        return self._add(outputs.Metadata, keep=keep)

    def fallback(self, source: SourceRef | str) -> Self:
        """Picture to show when the source is missing or broken.

        source: an id, or @name:key with the key's / written as :.

        Written ``d_<source>``, for example ``d_placeholder``.
        """
        return self._add(outputs.Fallback, source=source)

    def download(self, name: str) -> Self:
        """Download under this file name instead of showing.

        name: a file name of 1 to 100 characters.

        Written ``dl_<name>``, for example ``dl_holiday.jpg``.
        """
        return self._add(outputs.Download, name=name)

    def version(self, number: int) -> Self:
        """Version of the asset; with it the answer never changes.

        number: an integer from 1 to 999999.

        Written ``v_<number>``, for example ``v_2``.
        """
        return self._add(outputs.Version, number=number)

    def raw(self, value: Literal["1"] | int) -> Self:
        """The untouched uploaded file; needs a signature or the owner's token.

        value: one of 1.

        Written ``raw_<value>``, for example ``raw_1``.
        """
        return self._add(outputs.Raw, value=value)
